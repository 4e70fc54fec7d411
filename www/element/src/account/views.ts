import { button, heading } from '../lib/base.js';
import { barsWidth } from '../lib/cost.js';
import { h, ICONS, icon, svg, uniqueId } from '../lib/dom.js';
import { currencySymbol, date, money, parseMoney } from '../lib/format.js';
import type { Loan, LoanInstallment } from '../types.js';

/** Status in words; the drawing repeats it by fill, never by colour alone. */
const STATUS: Readonly<Record<LoanInstallment['status'], string>> = {
  paid: 'Paid',
  partly_paid: 'Partly paid',
  due: 'Due now',
  overdue: 'Overdue',
  upcoming: 'Upcoming',
};

/** What should have been paid by now. */
function overdueOf(loan: Loan): number {
  const late = loan.installments.filter((each) => each.status === 'overdue');
  return late.reduce((sum, each) => sum + each.total - each.paid, 0);
}

/** What is owed, and when the next payment is due. */
export function balanceView(loan: Loan, locale: string): HTMLElement {
  const show = (amount: number) => money(amount, loan.currency, locale);
  const overdue = overdueOf(loan);
  const paid = loan.installments.filter((each) => each.status === 'paid').length;
  const line = (name: string, value: string, aside?: string) =>
    h(
      'div',
      {},
      h('dt', {}, name),
      h(
        'dd',
        {},
        h('span', { class: 'number' }, value),
        aside !== undefined && h('span', { class: 'aside' }, aside),
      ),
    );
  const extra = loan.balance.interest + loan.balance.fee + loan.balance.penalty;
  return h(
    'dl',
    { class: 'cost' },
    line(
      'You owe today',
      show(loan.balance.total),
      extra === 0 ? undefined : `of it ${show(extra)} interest and charges so far`,
    ),
    overdue > 0 && line('Overdue', show(overdue), 'please pay this first'),
    loan.next_due !== null &&
      line('Next payment', show(loan.next_due.amount), `due ${date(loan.next_due.due, locale, 'long')}`),
    line('Paid so far', `${paid} of ${loan.installments.length}`),
  );
}

/** A loan with nothing left to pay. */
export function settledView(loan: Loan, locale: string): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    heading('Paid in full', icon(ICONS.tick)),
    h(
      'p',
      {},
      `You repaid ${repaidText(loan, locale)}. You owe nothing more, and there is nothing left to do.`,
    ),
  );
}

/** What was paid in all, and what of it was the price of borrowing. */
function repaidText(loan: Loan, locale: string): string {
  const show = (amount: number) => money(amount, loan.currency, locale);
  const paid = loan.installments.reduce((sum, each) => sum + each.paid, 0);
  const cost = paid - loan.principal;
  return cost > 0
    ? `${show(paid)}: ${show(loan.principal)} borrowed and ${show(cost)} interest and fees`
    : show(paid);
}

/** Money the lender owes back. */
export function creditView(loan: Loan, locale: string): HTMLElement | null {
  if (loan.credit_balance === 0) return null;
  return h(
    'p',
    { class: 'note' },
    h('strong', {}, `The lender owes you ${money(loan.credit_balance, loan.currency, locale)}. `),
    'You paid more than was due, and the difference is yours.',
  );
}

/** The schedule drawn by status and told as a table. */
export function loanSchedule(loan: Loan, locale: string): HTMLElement {
  const largest = Math.max(1, ...loan.installments.map((each) => each.total));
  const bars = loan.installments.flatMap((each, index) => {
    const height = (each.total / largest) * 98;
    const box = { x: index * 10 + 1, width: 8, y: 100 - height, height };
    if (each.status !== 'partly_paid') return [svg('rect', { ...box, class: each.status })];
    const part = height * (each.paid / Math.max(1, each.total));
    return [
      svg('rect', { ...box, class: 'upcoming' }),
      svg('rect', { ...box, y: 100 - part, height: part, class: 'paid' }),
    ];
  });
  const width = loan.installments.length * 10;
  const first = loan.installments[0];
  const last = loan.installments.at(-1);
  const present = [...new Set(loan.installments.map((each) => each.status))];
  return h(
    'div',
    { class: 'schedule' },
    h('h3', {}, 'Payments'),
    h(
      'div',
      { 'aria-hidden': 'true', class: 'drawing' },
      svg(
        'svg',
        {
          class: 'bars',
          width: barsWidth(loan.installments.length),
          viewBox: `0 0 ${width} 100`,
          preserveAspectRatio: 'none',
        },
        ...bars,
        svg('line', { x1: 0, x2: width, y1: 100, y2: 100, class: 'base' }),
      ),
      h(
        'div',
        { class: 'axis' },
        h('span', {}, first === undefined ? '' : date(first.due, locale)),
        h('span', {}, last === undefined || last === first ? '' : date(last.due, locale)),
      ),
    ),
    h(
      'p',
      { class: 'keys', 'aria-hidden': 'true' },
      ...present.map((status) =>
        h('span', {}, h('span', { class: `swatch ${status}` }), STATUS[status].toLowerCase()),
      ),
    ),
    loanTable(loan, locale),
  );
}

function loanTable(loan: Loan, locale: string): HTMLElement {
  const head = (text: string, kind?: string) => h('th', { scope: 'col', class: kind }, text);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Payments and their status' },
    h(
      'table',
      {},
      h('caption', { class: 'visually-hidden' }, 'Payments with due date, amount, what is paid, and status'),
      h('thead', {}, h('tr', {}, head('Due'), head('Payment'), head('Paid'), head('Status', 'text'))),
      h(
        'tbody',
        {},
        ...loan.installments.map((each) =>
          h(
            'tr',
            { class: `row-${each.status}` },
            h('th', { scope: 'row' }, date(each.due, locale)),
            h('td', {}, money(each.total, loan.currency, locale)),
            h('td', {}, money(each.paid, loan.currency, locale)),
            h('td', { class: 'text' }, STATUS[each.status]),
          ),
        ),
      ),
    ),
  );
}

/** What a person may choose to pay. */
export interface PayHost {
  /** Amount that settles the loan today, in minor units; `undefined` while it is not known. */
  readonly payoff: number | undefined;
  pay(amount: number, press: HTMLButtonElement): void;
}

/** Choosing an amount: the next payment, everything, or another one. */
export function payView(loan: Loan, locale: string, host: PayHost): HTMLElement {
  const show = (amount: number) => money(amount, loan.currency, locale);
  const name = uniqueId('pay');
  const error = h('p', { class: 'error', id: uniqueId('error') });
  const other = h('input', {
    class: 'input',
    type: 'text',
    inputmode: 'decimal',
    id: uniqueId('amount'),
    autocomplete: 'off',
    'aria-describedby': error.id,
    maxlength: 20,
  });
  const otherField = h(
    'div',
    { class: 'field' },
    h('label', { for: other.id }, 'Amount to pay'),
    host.payoff !== undefined &&
      h('p', { class: 'help' }, `Up to ${show(host.payoff)}, which settles the loan today.`),
    h(
      'div',
      { class: 'affix' },
      h('span', { 'aria-hidden': 'true' }, currencySymbol(loan.currency, locale)),
      other,
    ),
    error,
  );
  otherField.hidden = true;
  const next = loan.next_due;
  const overdue = overdueOf(loan);
  const choices: { label: string; aside?: string; amount: number | undefined }[] = [];
  if (overdue > 0 && (host.payoff === undefined || overdue < host.payoff))
    choices.push({
      label: `Overdue, ${show(overdue)}`,
      aside: 'brings the loan up to date',
      amount: overdue,
    });
  if (next !== null && (host.payoff === undefined || next.amount < host.payoff)) {
    choices.push({
      label: `Next payment, ${show(next.amount)}`,
      aside: `due ${date(next.due, locale, 'long')}`,
      amount: next.amount,
    });
  }
  if (host.payoff !== undefined)
    choices.push({
      label: `Pay off everything, ${show(host.payoff)}`,
      aside: 'settles the loan today',
      amount: host.payoff,
    });
  choices.push({ label: 'Another amount', amount: undefined });
  let chosen = choices[0];
  const press = button('', 'primary', () => {
    const amount = chosen?.amount ?? parseMoney(other.value, loan.currency, locale);
    const wrong = chosen?.amount === undefined ? wrongAmount(amount, host.payoff, show) : undefined;
    fail(wrong);
    if (wrong === undefined && amount !== undefined) host.pay(amount, press);
  });
  const fail = (message: string | undefined) => {
    error.replaceChildren(...(message === undefined ? [] : [icon(ICONS.warning), h('span', {}, message)]));
    other.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
    if (message !== undefined) other.focus();
  };
  const relabel = () => {
    const amount = chosen?.amount ?? parseMoney(other.value, loan.currency, locale);
    press.textContent = amount === undefined || amount === 0 ? 'Pay' : `Pay ${show(amount)}`;
    otherField.hidden = chosen?.amount !== undefined;
  };
  other.addEventListener('input', relabel);
  relabel();
  return h(
    'div',
    { class: 'stack mid' },
    h(
      'fieldset',
      { class: 'group' },
      h('legend', {}, 'Make a payment'),
      ...choices.map((choice) => {
        const input = h('input', { type: 'radio', name, checked: choice === chosen });
        input.addEventListener('change', () => {
          chosen = choice;
          fail(undefined);
          relabel();
        });
        return h(
          'label',
          { class: 'choice' },
          input,
          h(
            'span',
            {},
            choice.label,
            choice.aside !== undefined && h('span', { class: 'muted small block' }, choice.aside),
          ),
        );
      }),
    ),
    otherField,
    h('div', { class: 'actions' }, press),
  );
}

function wrongAmount(
  amount: number | undefined,
  payoff: number | undefined,
  show: (amount: number) => string,
): string | undefined {
  if (amount === undefined) return 'Enter an amount such as 50.00.';
  if (amount === 0) return 'Enter an amount above zero.';
  if (payoff !== undefined && amount > payoff)
    return `That is more than you owe. ${show(payoff)} settles the loan today; nothing was charged.`;
  return undefined;
}
