import type { StatementEvent, StatementView } from 'prequal';
import { h, uniqueId } from '../lib/dom.js';
import { date, money } from '../lib/format.js';
import { troubleOf } from '../lib/problem.js';
import type { Loan } from '../types.js';

interface Paper {
  readonly text: string;
  readonly hash: string;
}

/** A part that is read from the server when it is opened. */
function lazily(title: string, read: () => Promise<HTMLElement>): HTMLElement {
  const content = h('div', { class: 'stack tight' });
  const details = h('details', {}, h('summary', {}, title), content);
  details.addEventListener('toggle', () => {
    if (!details.open) return;
    content.replaceChildren(h('p', { class: 'muted' }, 'Loading'));
    read().then(
      (loaded) => content.replaceChildren(loaded),
      (error: unknown) => {
        const { slug } = troubleOf(error);
        content.replaceChildren(
          h(
            'p',
            {},
            slug === 'offline'
              ? 'You seem to be offline. Close and open this part to try again.'
              : 'This could not be loaded. Close and open it to try again.',
          ),
        );
      },
    );
  });
  return details;
}

/** Every event of the loan with its amount, oldest first. */
export function statementPart(loan: Loan, locale: string, read: () => Promise<StatementView>): HTMLElement {
  return lazily('Statement', async () => {
    const { events } = await read();
    const head = (text: string, kind?: string) => h('th', { scope: 'col', class: kind }, text);
    return h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Statement' },
      h(
        'table',
        {},
        h('caption', { class: 'visually-hidden' }, 'Everything that happened on this loan, oldest first'),
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            head('Date'),
            head('What', 'text'),
            head('Amount'),
            head('Interest and fees'),
            head('Repays borrowed'),
            head('Borrowed amount left'),
          ),
        ),
        h('tbody', {}, ...events.map((event) => statementLine(event, loan.currency, locale))),
      ),
    );
  });
}

const EVENTS: Readonly<Record<string, string>> = {
  lent: 'Lent to you',
  received: 'Payment received',
  collected: 'Payment received',
  prepaid: 'Early payment received',
  refunded: 'Goods returned',
  returned: 'Payment taken back by your bank',
  charged_back: 'Payment taken back by your bank',
  goodwill_credited: 'Credited by the lender',
  waived: 'Given up by the lender',
  paid_back: 'Paid back to you',
  withdrawn: 'You withdrew from the agreement',
  rescheduled: 'New schedule agreed',
  re_aged: 'New schedule agreed',
  rate_changed: 'Interest rate changed',
  charged_off: 'Given up as a loss',
  transferred: 'Sold to another lender',
  payout_failed: 'Loan cancelled: the shop could not be paid',
};

/** What takes something off the debt, part by part. */
const PAYS = new Set(['received', 'collected', 'prepaid', 'refunded', 'goodwill_credited', 'waived']);

/** What a payment did adds up in its line: its amount is what it paid of each kind, and what is owed back. */
function statementLine(event: StatementEvent, currency: string, locale: string): HTMLElement {
  const words = EVENTS[event.type] ?? event.type.replaceAll('_', ' ');
  const show = (amount: number) => money(amount, currency, locale);
  const part = (amount: number) => h('td', {}, PAYS.has(event.type) ? show(amount) : '–');
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, date(event.value_date, locale)),
    h(
      'td',
      { class: 'text' },
      words.charAt(0).toUpperCase() + words.slice(1),
      event.excess > 0 &&
        h('span', { class: 'muted block' }, `${show(event.excess)} of it is owed back to you`),
    ),
    h('td', {}, show(event.amount)),
    part(event.interest + event.fee + event.penalty),
    part(event.principal),
    h('td', {}, show(event.principal_balance)),
  );
}

/** The text that was signed, with its fingerprint. */
export function agreementPart(read: () => Promise<Paper>): HTMLElement {
  return lazily('Credit agreement', async () => {
    const { text, hash } = await read();
    const title = h('h3', { id: uniqueId('agreement'), class: 'visually-hidden' }, 'Credit agreement');
    return h(
      'div',
      { class: 'stack tight' },
      title,
      h('div', { class: 'document', tabindex: '0', role: 'region', 'aria-labelledby': title.id }, text),
      h(
        'p',
        { class: 'muted small' },
        'Fingerprint of this text (SHA-256): ',
        h('span', { class: 'code' }, hash),
      ),
    );
  });
}
