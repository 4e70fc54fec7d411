import { loadLender, sourceOf } from '../engine.js';
import { button, PrequalElement } from '../lib/base.js';
import { paymentText } from '../lib/cost.js';
import { openDialog } from '../lib/dialog.js';
import { h } from '../lib/dom.js';
import { money, percent } from '../lib/format.js';
import { plansView } from '../lib/plans.js';
import type { Offer, Quote } from '../types.js';

/** A cart changes in bursts; a screen reader hears the cost once it rests. */
const ANNOUNCE_AFTER_MS = 600;

/**
 * `<prequal-message amount="129900" currency="USD" bundle-url bundle-keys [edge] [plan]>`: what a price would cost over
 * time, recomputed whenever `amount` changes. It never disappears: when it cannot compute, it keeps the last good text,
 * says for which amount that was, and that the current one is unknown.
 */
export class PrequalMessage extends PrequalElement {
  static readonly observedAttributes = [
    'endpoint',
    'amount',
    'currency',
    'bundle-url',
    'bundle-keys',
    'edge',
    'plan',
    'lang',
  ];

  private quote: Quote | undefined;
  private quoted: string | undefined;
  private lender: string | undefined;
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  connectedCallback(): void {
    if (this.quote === undefined) this.show(this.skeleton(), false);
    void this.refresh();
  }

  disconnectedCallback(): void {
    clearTimeout(this.timer);
  }

  attributeChangedCallback(): void {
    if (this.isConnected) void this.refresh();
  }

  private async refresh(): Promise<void> {
    this.turn += 1;
    const turn = this.turn;
    // Attributes often come one after the other; one computation serves them all.
    await Promise.resolve();
    if (turn !== this.turn) return;
    const source = sourceOf(this);
    // Not told yet where the lender is: that is waiting, not failing.
    if (source.edge === undefined && source.endpoint === undefined) return;
    const amount = Number(this.text('amount'));
    const currency = this.text('currency');
    if (currency === undefined || !Number.isSafeInteger(amount) || amount < 0) {
      this.show(this.unknown(undefined), false);
      return;
    }
    try {
      const { client } = await loadLender(source);
      const [quote, form] = await Promise.all([client.quote({ amount, currency }), client.form()]);
      if (turn !== this.turn) return;
      this.lender = form.lender.name;
      this.present(quote, amount, currency);
    } catch {
      if (turn === this.turn) this.show(this.unknown(money(amount, currency, this.locale)), false);
    }
  }

  private present(quote: Quote, amount: number, currency: string): void {
    const first = this.quote === undefined;
    const plan = this.chosen(quote);
    this.quote = quote;
    this.quoted = money(amount, currency, this.locale);
    if (plan === undefined) {
      this.show(
        this.line(h('span', {}, `Paying over time is not available for ${this.quoted}.`), false),
        false,
      );
      return;
    }
    const text = this.sentence(plan);
    this.show(this.line(h('span', {}, ...text), true), false);
    if (!first) {
      clearTimeout(this.timer);
      this.timer = setTimeout(
        () =>
          this.announce(text.map((part) => (typeof part === 'string' ? part : part.textContent)).join('')),
        ANNOUNCE_AFTER_MS,
      );
    }
  }

  private chosen(quote: Quote): Offer | undefined {
    const wanted = this.text('plan');
    return quote.plans.find((plan) => plan.plan === wanted) ?? quote.plans[0];
  }

  private sentence(plan: Offer): (string | HTMLElement)[] {
    const { each, others } = paymentText(plan, this.locale);
    return [
      'Or ',
      h('strong', {}, `${plan.count} monthly payments of ${each}`),
      `${others === undefined ? '' : ` (${others})`}, ${money(plan.total, plan.currency, this.locale)} in all, ${percent(plan.apr.apr_percent, this.locale)} APR.`,
    ];
  }

  private line(content: HTMLElement, plans: boolean): HTMLElement {
    const more = button(plans ? 'All plans and an example' : 'About paying over time', 'link', () =>
      this.open(),
    );
    return h('div', { class: 'message' }, h('p', {}, content), this.quote === undefined ? null : more);
  }

  /** The last good text stays, named as old; without one, a plain sentence of the same height. */
  private unknown(price: string | undefined): HTMLElement {
    const now =
      price === undefined
        ? 'The cost of paying over time is unknown for now.'
        : `We cannot work out paying ${price} over time right now.`;
    const old = this.quote === undefined ? undefined : this.chosen(this.quote);
    if (old === undefined)
      return h(
        'div',
        { class: 'message' },
        h('p', {}, `${now} You can still buy as usual.`),
        h('span', { class: 'link-space' }),
      );
    return this.line(
      h('span', {}, now, ` For ${this.quoted ?? ''} it was: `, ...this.sentence(old).slice(1)),
      true,
    );
  }

  /** Invisible words of the usual length keep the height of the text to come. */
  private skeleton(): HTMLElement {
    return h(
      'div',
      { class: 'message', 'aria-busy': 'true' },
      h(
        'p',
        { class: 'bone' },
        h(
          'span',
          { class: 'ghost', 'aria-hidden': 'true' },
          'Or ',
          h('strong', {}, '6 monthly payments of $000.00'),
          ' (last one $000.00), $0,000.00 in all, 00.00% APR.',
        ),
      ),
      h('span', { class: 'link-space' }),
      h('span', { class: 'visually-hidden' }, 'Working out the cost of paying over time'),
    );
  }

  private open(): void {
    const quote = this.quote;
    if (quote === undefined || this.shadowRoot === null) return;
    openDialog(
      this.shadowRoot,
      `Pay ${this.quoted ?? ''} over time`,
      plansView(quote, this.lender, this.locale),
    );
  }
}
