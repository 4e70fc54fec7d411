import type { CnCostTable, EuInformation, PaymentRun, UsBox } from 'prequal';
import { h } from '../lib/dom.js';
import { date, money, percent } from '../lib/format.js';
import type { Disclosure } from '../types.js';

/** The figures that a law wants seen first, in its own form; all of them stand in the text as well. */
export function figures(told: Disclosure, locale: string): HTMLElement {
  const { amounts, currency } = told.document;
  const show = (amount: number) => money(amount, currency, locale);
  switch (told.jurisdiction) {
    case 'us':
      return usBox(amounts as UsBox, show, locale);
    case 'eu':
      return euFigures(amounts as EuInformation, show, locale);
    default:
      return cnTable(amounts as CnCostTable, show, locale);
  }
}

type Show = (amount: number) => string;

/** 12 CFR 1026.18; the two that 1026.17(a)(2) wants more conspicuous than the rest come first. */
function usBox(amounts: UsBox, show: Show, locale: string): HTMLElement {
  const cell = (name: string, value: string, words: string, loud = false) =>
    h(
      'div',
      { class: loud ? 'loud' : undefined },
      h('dt', {}, name),
      h('dd', {}, h('span', { class: 'number' }, value), h('span', { class: 'aside' }, words)),
    );
  return h(
    'div',
    { class: 'stack mid' },
    h(
      'dl',
      { class: 'box' },
      cell(
        'ANNUAL PERCENTAGE RATE',
        percent(amounts.apr_percent, locale),
        'The cost of your credit as a yearly rate.',
        true,
      ),
      cell(
        'FINANCE CHARGE',
        show(amounts.finance_charge),
        'The dollar amount the credit will cost you.',
        true,
      ),
      cell(
        'Amount Financed',
        show(amounts.amount_financed),
        'The amount of credit provided to you or on your behalf.',
      ),
      cell(
        'Total of Payments',
        show(amounts.total_of_payments),
        'The amount you will have paid after you have made all payments as scheduled.',
      ),
    ),
    payments('Your payment schedule', amounts.payments, show, locale),
  );
}

/** Directive (EU) 2023/2225, Annex I, part 1: what must stand together on the first page. */
function euFigures(amounts: EuInformation, show: Show, locale: string): HTMLElement {
  const rate = amounts.borrowing_rate_percent;
  const per = amounts.borrowing_rate_daily ? 'a day' : 'a year';
  const days = amounts.withdrawal_days;
  return h(
    'div',
    { class: 'stack mid' },
    h(
      'dl',
      { class: 'cost' },
      line('Total amount of credit', show(amounts.total_amount_of_credit)),
      line('Annual percentage rate of charge', percent(amounts.aprc_percent, locale)),
      line('Borrowing rate', rate === undefined ? 'none' : `${percent(rate, locale)} ${per}, fixed`),
      line('Total cost of the credit', show(amounts.total_cost_of_credit)),
      line('Total amount payable', show(amounts.total_payable)),
      line('Last instalment', date(amounts.last_due, locale, 'long')),
      line('Right of withdrawal', days === undefined ? 'none' : `${days} days from signing`),
    ),
    payments('Instalments', amounts.installments, show, locale),
  );
}

const METHODS = {
  on_outstanding: '按剩余本金分期收取',
  first: '首期收取',
  each: '每期收取',
  spread: '分期平均收取',
  at_once: '一次性收取',
} as const;
const PERIODS = { year: '年', day: '日', period: '期', term: '全部期限' } as const;

/** The Chinese table: each charge with how it is collected and by whom; what is not listed is not charged. */
function cnTable(amounts: CnCostTable, show: Show, locale: string): HTMLElement {
  const head = (text: string, kind?: string) => h('th', { scope: 'col', class: kind }, text);
  const rows = amounts.fees.map((fee) => {
    const rate =
      fee.rate_percent === undefined
        ? ''
        : `${percent(fee.rate_percent, locale)} / ${PERIODS[fee.rate_per ?? 'term']}`;
    return h(
      'tr',
      {},
      h(
        'td',
        { class: 'text' },
        fee.code === 'interest' ? '利息' : fee.code,
        h('span', { class: 'block muted' }, fee.payee),
      ),
      h('td', { class: 'text' }, h('span', { class: 'block' }, METHODS[fee.method]), h('span', {}, rate)),
      h('td', {}, show(fee.amount)),
    );
  });
  return h(
    'div',
    { class: 'stack mid' },
    h(
      'dl',
      { class: 'cost' },
      line('贷款本金', show(amounts.principal)),
      line('年化综合融资成本（单利）', percent(amounts.annualised_percent, locale)),
    ),
    h(
      'table',
      {},
      h('caption', {}, '息费项目'),
      h('thead', {}, h('tr', {}, head('项目、收取方', 'text'), head('收取方式、费率', 'text'), head('金额'))),
      h('tbody', {}, ...rows),
      h(
        'tfoot',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'row', class: 'text', colspan: 2 }, '息费合计'),
          h('td', {}, show(amounts.total_cost)),
        ),
      ),
    ),
  );
}

function line(name: string, value: string): HTMLElement {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

/** Equal payments in a row together. */
function payments(title: string, runs: readonly PaymentRun[], show: Show, locale: string): HTMLElement {
  const head = (text: string, kind?: string) => h('th', { scope: 'col', class: kind }, text);
  const rows = runs.map((run) => {
    const day = (text: string) => h('span', { class: 'number' }, date(text, locale, 'medium'));
    return h(
      'tr',
      {},
      h('td', { class: 'text' }, String(run.count)),
      h('td', {}, show(run.amount)),
      h(
        'td',
        {},
        h(
          'span',
          { class: 'block' },
          day(run.first_due),
          run.count > 1 && ' to ',
          run.count > 1 && day(run.last_due),
        ),
      ),
    );
  });
  return h(
    'table',
    {},
    h('caption', {}, title),
    h('thead', {}, h('tr', {}, head('Payments', 'text'), head('Each'), head('Due'))),
    h('tbody', {}, ...rows),
  );
}
