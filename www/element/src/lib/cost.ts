import type { Offer } from '../types.js';
import { h, svg } from './dom.js';
import { counted, date, money, percent } from './format.js';

/**
 * The amounts of each payment in words: the usual one, and the first or last where they differ. Fees make the first
 * one larger, rounding the last, so that of three each may be of its own.
 */
export function paymentText(offer: Offer, locale: string): { each: string; others: string | undefined } {
  const show = (amount: number) => money(amount, offer.currency, locale);
  const amounts = offer.installments.map((installment) => installment.total);
  const usual = amounts[amounts.length > 2 ? 1 : 0] ?? 0;
  const first = amounts[0];
  const last = amounts.at(-1);
  const others = [
    first === undefined || first === usual ? [] : [`first one ${show(first)}`],
    last === undefined || last === usual || amounts.length < 2 ? [] : [`last one ${show(last)}`],
  ].flat();
  return { each: show(usual), others: others.length === 0 ? undefined : others.join(', ') };
}

/**
 * What an offer costs, in the order in which a person decides: amount, number of payments, each payment, total, rate.
 * Every line has the same size.
 */
export function costList(offer: Offer, locale: string): HTMLElement {
  return h(
    'dl',
    { class: 'cost' },
    ...(offer.down_payment > 0
      ? [line('Paid to the shop today', money(offer.down_payment, offer.currency, locale))]
      : []),
    line('Amount', money(offer.principal, offer.currency, locale)),
    line('Payments', `${offer.count} monthly`),
    ...comparedLines(offer, locale),
  );
}

/** What differs between offers whose name is the number of payments and whose amount is the same. */
export function comparedList(offer: Offer, locale: string): HTMLElement {
  return h('dl', { class: 'cost' }, ...comparedLines(offer, locale));
}

function comparedLines(offer: Offer, locale: string): HTMLElement[] {
  const { each, others } = paymentText(offer, locale);
  return [
    line('Each payment', each, others),
    line('Total to repay', money(offer.total, offer.currency, locale), pricesText(offer, locale)),
    line('Rate (APR)', percent(offer.apr.apr_percent, locale)),
  ];
}

/** What borrowing costs, each kind by its name. */
function pricesText(offer: Offer, locale: string): string {
  const show = (amount: number) => money(amount, offer.currency, locale);
  const prices = [
    offer.total_interest === 0 ? [] : [`${show(offer.total_interest)} interest`],
    offer.total_fee === 0 ? [] : [`${show(offer.total_fee)} fee`],
  ].flat();
  return prices.length === 0 ? 'no interest, no fees' : prices.join(' + ');
}

function line(name: string, value: string, aside?: string): HTMLElement {
  return h(
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
}

/** The schedule drawn, a bar for each due date, and told, in a table one click away. */
export function scheduleFigure(offer: Offer, locale: string): HTMLElement {
  const first = offer.installments[0];
  const last = offer.installments.at(-1);
  const largest = Math.max(1, ...offer.installments.map((installment) => installment.total));
  const bars = offer.installments.flatMap((installment, index) => {
    const principal = (installment.principal / largest) * 100;
    const rest = ((installment.total - installment.principal) / largest) * 100;
    const box = { x: index * 10 + 1, width: 8 };
    return [
      svg('rect', { ...box, y: 100 - principal, height: principal, class: 'principal' }),
      svg('rect', { ...box, y: 100 - principal - rest, height: rest, class: 'interest' }),
    ];
  });
  const width = offer.installments.length * 10;
  return h(
    'div',
    { class: 'schedule' },
    h(
      'div',
      { 'aria-hidden': 'true', class: 'drawing' },
      svg(
        'svg',
        {
          class: 'bars',
          width: barsWidth(offer.count),
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
      h('span', {}, h('span', { class: 'swatch' }), 'repays the amount'),
      offer.total > offer.principal &&
        h('span', {}, h('span', { class: 'swatch interest' }), 'interest and fees'),
    ),
    h(
      'details',
      {},
      h('summary', {}, counted(offer.count, 'payment by date', 'payments by date')),
      scheduleTable(offer, locale),
    ),
  );
}

/** Few bars stay bars: each takes at most 72 px, and all of them at most the room there is. */
export function barsWidth(count: number): number {
  return Math.max(216, count * 72);
}

/** The schedule as a table with headings that a screen reader can read across and down. */
export function scheduleTable(offer: Offer, locale: string): HTMLElement {
  const cell = (amount: number) => h('td', {}, money(amount, offer.currency, locale));
  const fees = offer.total_fee > 0;
  const head = (text: string) => h('th', { scope: 'col' }, text);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Payments by date' },
    h(
      'table',
      {},
      h(
        'caption',
        { class: 'visually-hidden' },
        `Each payment of the ${offer.count}, with what it repays and what it costs`,
      ),
      h(
        'thead',
        {},
        h('tr', {}, head('Due'), head('Repays'), head('Interest'), fees && head('Fees'), head('Payment')),
      ),
      h(
        'tbody',
        {},
        ...offer.installments.map((installment) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, date(installment.due, locale)),
            cell(installment.principal),
            cell(installment.interest),
            fees && cell(installment.fee),
            cell(installment.total),
          ),
        ),
      ),
      h(
        'tfoot',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, 'Total'),
          cell(offer.principal),
          cell(offer.total_interest),
          fees && cell(offer.total_fee),
          cell(offer.total),
        ),
      ),
    ),
  );
}
