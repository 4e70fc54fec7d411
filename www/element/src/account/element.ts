import type { Client } from 'prequal';
import { loadLender, sourceOf } from '../engine.js';
import { busy, button, heading, PrequalElement } from '../lib/base.js';
import { h, ICONS, icon } from '../lib/dom.js';
import { date, money } from '../lib/format.js';
import { adviceFor, troubleOf } from '../lib/problem.js';
import type { Loan, LoanPayment, Payoff } from '../types.js';
import { agreementPart, statementPart } from './papers.js';
import { balanceView, creditView, loanSchedule, payView, settledView } from './views.js';

/** A payment is asked about quickly at first, then ever more slowly. */
const POLL_MS = 700;
const POLL_MS_MAX = 8_000;
/** After this long the page stops asking; the payment goes on without it. */
const POLL_FOR_MS = 180_000;

const UNDER_WAY = new Set(['initiated', 'pending', 'processing', 'requested', 'sent']);
const FAILED = new Set(['failed', 'returned', 'rejected']);

/**
 * `<prequal-account loan capability endpoint>`: what is owed, the schedule with what is paid, and paying. It tells
 * `prequal:loan` when the loan was read or has changed, `prequal:payment` with a payment's id and status, and
 * `prequal:settled` once nothing is owed.
 */
export class PrequalAccount extends PrequalElement {
  static readonly observedAttributes = ['loan', 'capability', 'endpoint'];

  private loan: Loan | undefined;
  private payoff: Payoff | undefined;
  private notice: HTMLElement | undefined;
  private watching: string | undefined;
  /** One key for one intention to pay an amount; a retry after a failure carries the same. */
  private intention: { amount: number; key: string } | undefined;
  private turn = 0;
  private told: string | undefined;

  connectedCallback(): void {
    this.restart();
  }

  disconnectedCallback(): void {
    this.turn += 1;
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (this.isConnected && before !== after) this.restart();
  }

  /** Reads the loan again: for pages that know that something has happened. */
  refresh(): Promise<void> {
    return this.load(this.turn, false);
  }

  private restart(): void {
    this.turn += 1;
    const turn = this.turn;
    queueMicrotask(() => {
      if (turn === this.turn) void this.load(turn, false);
    });
  }

  private get access(): { loan: string; capability: string } | undefined {
    const [loan, capability] = [this.text('loan'), this.text('capability')];
    return loan === undefined || capability === undefined ? undefined : { loan, capability };
  }

  private async read(): Promise<void> {
    const access = this.access;
    if (access === undefined) return;
    const client = await this.client();
    this.loan = await client.loan(access.loan, access.capability);
    this.payoff =
      this.loan.balance.total === 0
        ? undefined
        : await client.payoff(access.loan, access.capability, this.loan.today);
  }

  private async client(): Promise<Client> {
    return (await loadLender(sourceOf(this))).client;
  }

  private async load(turn: number, focus: boolean): Promise<void> {
    if (this.access === undefined) {
      this.show(this.noAccess(), false);
      return;
    }
    if (this.loan === undefined) this.show(this.skeleton(), false);
    try {
      await this.read();
      if (turn !== this.turn) return;
      this.draw(focus);
      const open = this.loan?.payments.find((payment) => UNDER_WAY.has(payment.status));
      if (open !== undefined && this.watching === undefined) void this.watch(open.id, open.amount);
    } catch (error) {
      if (turn === this.turn) this.explain(error, focus);
    }
  }

  private noAccess(): HTMLElement {
    return h(
      'div',
      { class: 'stack' },
      heading('Open your loan from its link', icon(ICONS.person)),
      h(
        'p',
        {},
        'This page shows a loan to the person who holds its link. Use the one you were given when you signed.',
      ),
    );
  }

  private skeleton(): HTMLElement {
    const bone = (height: number) => h('span', { class: `bone tall-${height}`, 'aria-hidden': 'true' });
    return h(
      'div',
      { class: 'stack', 'aria-busy': 'true' },
      h('p', { class: 'visually-hidden' }, 'Loading your loan'),
      bone(2),
      bone(5),
      bone(2),
      bone(5),
    );
  }

  private draw(focus: boolean): void {
    const { loan, locale } = this;
    if (loan === undefined) return;
    const settled = loan.status === 'settled' || loan.balance.total === 0;
    const view = settled
      ? settledView(loan, locale)
      : h('div', { class: 'stack' }, heading('Your loan'), balanceView(loan, locale));
    view.append(
      ...[creditView(loan, locale), this.notice].filter((each) => each !== null && each !== undefined),
    );
    if (!settled && this.watching === undefined) {
      view.append(
        payView(loan, locale, {
          payoff: this.payoff?.total,
          pay: (amount, press) => void this.pay(amount, press),
        }),
      );
    }
    view.append(loanSchedule(loan, locale), this.papers(loan));
    this.show(view, focus);
    this.tellLoan(loan);
  }

  private tellLoan(loan: Loan): void {
    const detail = {
      loan_id: loan.id,
      status: loan.status,
      today: loan.today,
      ...(loan.next_due === null ? {} : { next_due: loan.next_due.due }),
    };
    const told = JSON.stringify(detail);
    if (told === this.told) return;
    this.told = told;
    this.tell('prequal:loan', detail);
  }

  private papers(loan: Loan): HTMLElement {
    const access = this.access;
    const read =
      <T>(get: (client: Client, id: string, capability: string) => Promise<T>) =>
      async () => {
        if (access === undefined) throw new Error('the loan has no capability');
        return get(await this.client(), access.loan, access.capability);
      };
    return h(
      'div',
      { class: 'stack tight' },
      statementPart(
        loan,
        this.locale,
        read((client, id, capability) => client.statement(id, capability)),
      ),
      agreementPart(read((client, id, capability) => client.agreement(id, capability))),
      h('p', { class: 'muted small' }, 'Loan number ', h('span', { class: 'code' }, loan.id)),
    );
  }

  private async pay(amount: number, press: HTMLButtonElement): Promise<void> {
    const access = this.access;
    if (access === undefined) return;
    if (this.intention?.amount !== amount) this.intention = { amount, key: crypto.randomUUID() };
    const rest = busy(press, 'Starting the payment');
    this.announce('Starting the payment');
    try {
      const client = await this.client();
      const payment = await client.pay(access.loan, access.capability, amount, {
        idempotencyKey: this.intention.key,
      });
      this.intention = undefined;
      this.tell('prequal:payment', {
        loan_id: access.loan,
        payment_id: payment.payment_id,
        status: payment.status,
      });
      await this.watch(payment.payment_id, amount);
    } catch (error) {
      rest();
      this.explainPayment(error);
    }
  }

  /** Asks until the payment is cleared or has failed, and says so. */
  private async watch(payment: string, amount: number): Promise<void> {
    const { turn } = this;
    const until = Date.now() + POLL_FOR_MS;
    const sum = this.loan === undefined ? '' : money(amount, this.loan.currency, this.locale);
    this.watching = payment;
    this.say(
      h('span', { class: 'spinner', 'aria-hidden': 'true' }),
      `Your payment of ${sum} is on its way. You can leave this page; it goes on without you.`,
    );
    for (let wait = POLL_MS; Date.now() < until; wait = Math.min(wait * 1.5, POLL_MS_MAX)) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (turn !== this.turn) break;
      const found = await this.find(payment);
      if (found !== undefined && !UNDER_WAY.has(found.status)) {
        this.finish(found, sum);
        return;
      }
    }
    this.watching = undefined;
    if (turn === this.turn)
      this.say('', `Your payment of ${sum} is still on its way. Nothing is lost; come back later to see it.`);
  }

  private async find(payment: string): Promise<LoanPayment | undefined> {
    try {
      await this.read();
    } catch {
      // Asked again after the next pause.
      return undefined;
    }
    return this.loan?.payments.find((each) => each.id === payment);
  }

  private finish(payment: LoanPayment, sum: string): void {
    this.watching = undefined;
    const { loan } = this;
    const failed = FAILED.has(payment.status);
    this.say(
      failed ? icon(ICONS.warning) : icon(ICONS.tick),
      failed
        ? `Your payment of ${sum} did not go through. Nothing was taken and you owe what you owed before. You can try again.`
        : `Your payment of ${sum} has arrived.`,
      true,
    );
    if (loan === undefined) return;
    this.tell('prequal:payment', { loan_id: loan.id, payment_id: payment.id, status: payment.status });
    if (loan.status === 'settled') this.tell('prequal:settled', { loan_id: loan.id });
  }

  /** Shows a notice above what can be done next, and says it once. */
  private say(before: Node | string, text: string, focus = false): void {
    this.notice = h('p', { class: 'notice' }, before, h('span', {}, text));
    this.draw(focus);
    this.announce(text);
  }

  private explainPayment(error: unknown): void {
    const trouble = troubleOf(error);
    if (trouble.slug === 'payment-above-payoff') {
      const most =
        this.payoff === undefined || this.loan === undefined
          ? ''
          : ` ${money(this.payoff.total, this.loan.currency, this.locale)} settles the loan on ${date(this.payoff.date, this.locale)}.`;
      this.say(icon(ICONS.warning), `That is more than you owe, so nothing was charged.${most}`, true);
      return;
    }
    const advice = adviceFor(trouble, 'pay');
    this.say(icon(ICONS.warning), `${advice.title}. ${advice.happened} ${advice.safe}`, true);
  }

  private explain(error: unknown, focus: boolean): void {
    const trouble = troubleOf(error);
    const denied = trouble.status === 401 || trouble.status === 403 || trouble.status === 404;
    const advice = adviceFor(trouble);
    const title = denied ? 'This link does not open a loan' : advice.title;
    const text = denied
      ? 'It may be incomplete or no longer valid. Use the link you were given when you signed.'
      : `${advice.happened} Your loan is as it was.`;
    this.show(
      h(
        'div',
        { class: 'stack' },
        heading(title, icon(ICONS.warning)),
        h('p', {}, text),
        h(
          'div',
          { class: 'actions' },
          button('Try again', 'primary', (press) => {
            busy(press, 'Trying again');
            void this.load(this.turn, true);
          }),
        ),
      ),
      focus,
    );
    this.announce(focus ? text : `${title}. ${text}`);
  }
}
