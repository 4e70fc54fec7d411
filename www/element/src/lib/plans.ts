import type { Offer, Quote } from '../types.js';
import { paymentText, scheduleFigure } from './cost.js';
import { h } from './dom.js';
import { counted, money, percent } from './format.js';

/** All plans beside each other: number of payments, each payment, total, rate. */
export function plansView(quote: Quote, lender: string | undefined, locale: string): HTMLElement {
  const example = quote.plans.at(-1);
  return h(
    'div',
    { class: 'stack' },
    plansTable(quote.plans, locale),
    example !== undefined &&
      h(
        'div',
        { class: 'stack tight' },
        h('h3', {}, 'Representative example'),
        h('p', {}, exampleText(example, locale)),
      ),
    example !== undefined && scheduleFigure(example, locale),
    h(
      'div',
      { class: 'stack tight note' },
      h('p', {}, h('strong', {}, 'An estimate, not an offer.'), ' Borrowing costs money. ', quote.notice),
      lender !== undefined &&
        h('p', { class: 'muted small' }, `Credit would be provided by ${lender}, subject to a decision.`),
    ),
  );
}

function plansTable(plans: readonly Offer[], locale: string): HTMLElement {
  const head = (text: string) => h('th', { scope: 'col' }, text);
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Plans compared' },
    h(
      'table',
      {},
      h(
        'caption',
        { class: 'visually-hidden' },
        'Plans compared by number of payments, each payment, total and rate',
      ),
      h('thead', {}, h('tr', {}, head('Payments'), head('Each'), head('Total'), head('APR'))),
      h(
        'tbody',
        {},
        ...plans.map((plan) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, counted(plan.count, 'month', 'months')),
            eachCell(plan, locale),
            h('td', {}, money(plan.total, plan.currency, locale)),
            h('td', {}, percent(plan.apr.apr_percent, locale)),
          ),
        ),
      ),
    ),
  );
}

function eachCell(plan: Offer, locale: string): HTMLElement {
  const { each, others } = paymentText(plan, locale);
  return h('td', {}, each, others !== undefined && h('span', { class: 'muted block' }, others));
}

/** The example in full sentences, as advertising rules ask for. */
export function exampleText(plan: Offer, locale: string): string {
  const { each, others } = paymentText(plan, locale);
  const fees = plan.total_fee > 0 ? ` and ${money(plan.total_fee, plan.currency, locale)} fees` : '';
  return (
    `Borrowing ${money(plan.principal, plan.currency, locale)} at ${percent(plan.rate_annual_percent, locale)} a year: ` +
    `${counted(plan.count, 'monthly payment', 'monthly payments')} of ${each}${others === undefined ? '' : ` (${others})`}, ` +
    `${money(plan.total, plan.currency, locale)} in all, of which ${money(plan.total_interest, plan.currency, locale)} is interest${fees}. ` +
    `APR ${percent(plan.apr.apr_percent, locale)}.`
  );
}
