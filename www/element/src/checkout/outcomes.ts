import { button, heading } from '../lib/base.js';
import { h, ICONS, icon } from '../lib/dom.js';
import { date, money } from '../lib/format.js';
import type { Booking, Offer, Reason } from '../types.js';
import { demoLabel, type Frame } from './views.js';

function facts(...lines: readonly (readonly [string, string | Node] | undefined)[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    ...lines.map((line) => line !== undefined && h('div', {}, h('dt', {}, line[0]), h('dd', {}, line[1]))),
  );
}

function reasonsList(reasons: readonly Reason[]): HTMLElement | null {
  if (reasons.length === 0) return null;
  return h('ul', { class: 'reasons' }, ...reasons.map((reason) => h('li', {}, reason.text)));
}

const code = (text: string) => h('span', { class: 'code' }, text);

/** Signed: the order is paid, and this is the loan. */
export function doneView(
  frame: Frame,
  booking: Booking,
  offer: Offer | undefined,
  account: string | undefined,
): HTMLElement {
  const first = offer?.installments[0];
  return h(
    'div',
    { class: 'stack' },
    heading('Signed. Your order is being paid', icon(ICONS.tick)),
    h(
      'p',
      {},
      offer === undefined
        ? `${frame.lender} pays the shop.`
        : `${frame.lender} pays ${frame.merchant === '' ? 'the shop' : frame.merchant} ${money(offer.price, offer.currency, frame.locale)}. You owe the shop nothing more.`,
    ),
    facts(
      ['Loan number', code(booking.loan_id)],
      first === undefined || offer === undefined
        ? undefined
        : [
            'First payment',
            `${money(first.total, offer.currency, frame.locale)} on ${date(first.due, frame.locale, 'long')}`,
          ],
      offer === undefined ? undefined : ['Total to repay', money(offer.total, offer.currency, frame.locale)],
    ),
    account !== undefined &&
      h(
        'div',
        { class: 'actions' },
        h('a', { class: 'button secondary', href: account }, 'See and repay this loan'),
      ),
    h(
      'p',
      { class: 'muted small' },
      'You can repay early at any time, in part or in full. The agreement stays with the loan, to read and to print.',
    ),
    demoLabel(frame),
  );
}

/** Handed to a person. */
export function referredView(
  frame: Frame,
  decision: string | undefined,
  reasons: readonly Reason[],
  again: ((press: HTMLButtonElement) => void) | undefined,
): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    heading('A person will look at your application', icon(ICONS.person)),
    h(
      'p',
      {},
      `This is neither a yes nor a no. The answer cannot be given by computer alone, so someone at ${frame.lender} will review it.`,
    ),
    reasons.length > 0 &&
      h('div', { class: 'stack tight' }, h('h3', {}, 'What they will look at'), reasonsList(reasons)),
    h(
      'div',
      { class: 'stack tight' },
      h('h3', {}, 'What you can do now'),
      h(
        'ul',
        { class: 'list' },
        h('li', {}, 'Wait for the answer. Nothing was borrowed and your order is not paid yet.'),
        h('li', {}, 'Or pay this order in another way. That does not count against you.'),
        h('li', {}, 'Quote the number below when you ask about it.'),
      ),
    ),
    decision !== undefined && facts(['Decision number', code(decision)]),
    again !== undefined && h('div', { class: 'actions' }, button('Check for an answer', 'secondary', again)),
    demoLabel(frame),
  );
}

/** Declined by the lender's own decision, with its number. */
export function declinedView(
  frame: Frame,
  decision: string | undefined,
  reasons: readonly Reason[],
): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    heading(`${frame.lender} cannot offer you credit for this order`, icon(ICONS.stop)),
    h(
      'p',
      {},
      'We know this is not the answer you wanted. Nothing was borrowed, and your cart is unchanged.',
    ),
    reasons.length > 0 &&
      h(
        'div',
        { class: 'stack tight' },
        h('h3', {}, reasons.length === 1 ? 'The reason' : 'The main reasons'),
        reasonsList(reasons),
      ),
    h(
      'div',
      { class: 'stack tight' },
      h('h3', {}, 'What you can do now'),
      h(
        'ul',
        { class: 'list' },
        h('li', {}, 'Pay this order in another way.'),
        h('li', {}, 'Try a smaller amount, or another time: this answer is about this order, today.'),
        h(
          'li',
          {},
          'If something about you is wrong, ask the source of your credit history for a copy and have it corrected.',
        ),
        h('li', {}, `Ask ${frame.lender} to have a person look at the decision again. Quote its number.`),
      ),
    ),
    decision !== undefined && facts(['Decision number', code(decision)]),
    demoLabel(frame),
  );
}

/** The person stopped. */
export function withdrawnView(frame: Frame, again: () => void): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    heading('You stopped here'),
    h(
      'p',
      {},
      'Nothing was borrowed and nothing was signed. Your cart is unchanged and you can pay in another way. Your answers are kept in this tab until you close it.',
    ),
    h('div', { class: 'actions' }, button('Start again', 'secondary', again)),
    demoLabel(frame),
  );
}
