import { NetworkError, PrequalError, ProblemError } from 'prequal';

/** What can go wrong between the person and the lender, and what to say about it: what happened, what is safe, what to do. */

/** What the one button under a problem does. */
export type Remedy = 'retry' | 'ask_again' | 'refresh_cart' | 'correct' | 'consents' | 'look_up' | 'none';

/** What was being done when it went wrong: of signing and paying the outcome itself may be unknown. */
export type Doing = 'sign' | 'pay' | 'other';

export interface Advice {
  readonly title: string;
  readonly happened: string;
  readonly safe: string;
  readonly action: string;
  readonly remedy: Remedy;
}

/** What went wrong, told by one word: a problem type's last part, or `offline`, `timeout`, `busy`. */
export interface Trouble {
  readonly slug: string;
  /** The other side's own words; may be empty. */
  readonly detail: string;
  readonly status: number;
  /** The form's field that is to blame, when one is. */
  readonly field?: string | undefined;
}

/** Whatever was thrown, as trouble that can be explained. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ProblemError) {
    const detail = typeof error.problem.detail === 'string' ? error.problem.detail : '';
    return { slug: error.code, detail, status: error.status, field: fieldOf(error.problem.pointer) };
  }
  if (error instanceof NetworkError)
    return { slug: error.code === 'timeout' ? 'timeout' : 'offline', detail: '', status: 0 };
  if (error instanceof PrequalError)
    return { slug: error.code.replaceAll('_', '-'), detail: error.message, status: 0 };
  if (error instanceof TypeError && /fetch|network|load failed/iu.test(error.message))
    return { slug: 'offline', detail: '', status: 0 };
  return { slug: 'unexpected', detail: error instanceof Error ? error.message : String(error), status: 0 };
}

/** The form's field that a JSON pointer into a request names. */
function fieldOf(pointer: unknown): string | undefined {
  return typeof pointer === 'string' ? /\/fields\/([^/]+)$/u.exec(pointer)?.[1] : undefined;
}

const UNTOUCHED = 'Nothing was borrowed and your answers are kept.';

const ADVICE: Readonly<Record<string, Advice>> = {
  offline: {
    title: 'You seem to be offline',
    happened: 'No answer came from the lender.',
    safe: 'Your answers are kept on this device. You are not committed to anything by asking again.',
    action: 'Try again',
    remedy: 'retry',
  },
  timeout: {
    title: 'This is taking too long',
    happened: 'The lender has not answered in time.',
    safe: 'Your answers are kept. You are not committed to anything by asking again.',
    action: 'Try again',
    remedy: 'retry',
  },
  busy: {
    title: 'The lender is busy',
    happened: 'Too many people are asking at once, or the lender is out of service for a moment.',
    safe: UNTOUCHED,
    action: 'Try again',
    remedy: 'retry',
  },
  'server-refused': {
    title: 'The lender could not take this application',
    happened:
      'Its system refused it for a technical reason, so asking again will not help. This says nothing about you.',
    safe: 'Nothing was borrowed. Your cart is unchanged and you can pay in another way.',
    action: '',
    remedy: 'none',
  },
  'idempotency-in-flight': {
    title: 'This is being worked on already',
    happened: 'The lender has this request from before and is not done with it yet.',
    safe: 'It is not done twice, and your answers are kept.',
    action: 'Try again',
    remedy: 'retry',
  },
  'idempotency-conflict': {
    title: 'This was sent before, and differently',
    happened: 'The lender has the same request already with something else in it, perhaps from another tab.',
    safe: 'The second one was not carried out. What became of the first one you can see.',
    action: 'See where my application stands',
    remedy: 'look_up',
  },
  'not-found': {
    title: 'The lender cannot find this',
    happened: 'It has nothing under the number that was sent, perhaps because it is too old.',
    safe: UNTOUCHED,
    action: 'Refresh the price',
    remedy: 'refresh_cart',
  },
  'checkout-token': {
    title: 'The shop’s order could not be verified',
    happened: 'What the shop sent about this order cannot be read, or is not signed as it must be.',
    safe: UNTOUCHED,
    action: 'Ask the shop again',
    remedy: 'refresh_cart',
  },
  'shop-silent': {
    title: 'The shop has not answered',
    happened: 'It was asked for the present price of your cart, and no price came.',
    safe: `${UNTOUCHED} Reload this page, go back to the cart, or pay in another way.`,
    action: 'Ask the shop again',
    remedy: 'refresh_cart',
  },
  'offer-expired': {
    title: 'These offers have run out',
    happened: 'Offers are held for a short time, and this one is past it.',
    safe: `${UNTOUCHED} You do not need to fill in anything again.`,
    action: 'Get new offers',
    remedy: 'ask_again',
  },
  'offer-used': {
    title: 'This offer was used already',
    happened: 'A loan was signed with this offer, perhaps in another tab.',
    safe: 'It cannot be used a second time, so you will not be charged twice.',
    action: 'See where my application stands',
    remedy: 'look_up',
  },
  'wrong-state': {
    title: 'Your application has moved on',
    happened: 'It is no longer where this page left it, perhaps because of another tab.',
    safe: 'Nothing is done twice, and your answers are kept.',
    action: 'See where my application stands',
    remedy: 'look_up',
  },
  'checkout-financed': {
    title: 'This order is paid already',
    happened: 'A loan was signed for this order before, perhaps in another tab.',
    safe: 'The order cannot be financed twice. You owe one loan only.',
    action: '',
    remedy: 'none',
  },
  'consent-missing': {
    title: 'A consent is missing',
    happened: 'The lender may not decide without it.',
    safe: UNTOUCHED,
    action: 'Go back to the consents',
    remedy: 'consents',
  },
  'too-many': {
    title: 'That was asked too often',
    happened: 'There is a limit on how often one order can be applied for.',
    safe: UNTOUCHED,
    action: 'Refresh the price',
    remedy: 'refresh_cart',
  },
  'cart-changed': {
    title: 'Your cart has changed',
    happened: 'The offers were for other items or another amount than your cart holds now.',
    safe: `${UNTOUCHED} The old offers cannot be charged.`,
    action: 'Get offers for the new amount',
    remedy: 'refresh_cart',
  },
  'checkout-expired': {
    title: 'This checkout has run out',
    happened: 'The shop holds a price for a limited time, and that time is over.',
    safe: UNTOUCHED,
    action: 'Refresh the price',
    remedy: 'refresh_cart',
  },
  'quote-differs': {
    title: 'We stopped: the figures do not match',
    happened:
      'What the lender worked out differs from what you were shown. We never go on with other figures than the ones on your screen.',
    safe: UNTOUCHED,
    action: 'Get new offers',
    remedy: 'ask_again',
  },
  'agreement-differs': {
    title: 'We stopped: the agreement does not match the offer',
    happened: 'The agreement that arrived is not the one for the offer you chose.',
    safe: UNTOUCHED,
    action: 'Get new offers',
    remedy: 'ask_again',
  },
  'no-channel': {
    title: 'A code cannot be sent right now',
    happened: 'The lender has no way of reaching you with a code at the moment.',
    safe: 'Nothing was signed and nothing was borrowed. Your approval is kept.',
    action: 'Try again',
    remedy: 'retry',
  },
  'disclosure-differs': {
    title: 'We stopped: the information does not match the offer',
    happened:
      'What the lender must tell you before you sign is not about the offer you chose, or was altered.',
    safe: UNTOUCHED,
    action: 'Get new offers',
    remedy: 'ask_again',
  },
  'bundle-unavailable': {
    title: 'Paying over time is unavailable',
    happened: 'The lender’s terms could not be loaded or verified, so no cost can be shown.',
    safe: 'Your cart is unchanged. You can pay in another way.',
    action: 'Try again',
    remedy: 'retry',
  },
};

const RENEWED = {
  ...(ADVICE['offer-expired'] as Advice),
  title: 'The lender’s terms were renewed',
  happened: 'Since you were shown these offers the lender has published new terms.',
};

const UNKNOWN_OUTCOME =
  'We do not know yet whether it went through. Trying again is safe: it cannot sign or pay twice.';

/** Without an answer, or with one that says that something broke, a request may have been carried out all the same. */
function isUnknown({ slug, status }: Trouble): boolean {
  return status === 0 || status >= 500 || slug === 'idempotency-in-flight';
}

/** The advice for a problem type. The other side's own words are for developers, and never stand in it. */
export function adviceFor(problem: Trouble, doing: Doing = 'other'): Advice {
  const advice = adviceOn(problem);
  // These are found on this side, before anything is sent.
  if (doing === 'other' || /-differs$/u.test(problem.slug)) return advice;
  if (isUnknown(problem)) {
    const title = problem.slug === 'offline' ? 'No answer came' : advice.title;
    return { ...advice, title, safe: UNKNOWN_OUTCOME, action: 'Try again', remedy: 'retry' };
  }
  if (doing === 'pay' && problem.slug !== 'idempotency-conflict')
    return { ...advice, safe: 'Nothing was charged.' };
  return advice;
}

function adviceOn(problem: Trouble): Advice {
  const known = ADVICE[problem.slug];
  if (known !== undefined) return known;
  if (/^(?:bundle-|decision-mismatch)/u.test(problem.slug)) return RENEWED;
  if (/^(?:offer-signature|offer-unknown)/u.test(problem.slug)) {
    return {
      ...(ADVICE['quote-differs'] as Advice),
      title: 'We stopped: the offer could not be verified',
      happened: 'The lender could not confirm that this offer is its own.',
    };
  }
  if (problem.status === 429 || problem.status >= 500) return ADVICE.busy as Advice;
  const answer = problem.field !== undefined;
  return {
    title: 'That did not work',
    happened: answer
      ? 'The lender could not use one of your answers.'
      : 'The lender could not use this request. The fault is not in your answers.',
    safe: UNTOUCHED,
    action: answer ? 'Correct my answers' : 'Try again',
    remedy: answer ? 'correct' : 'retry',
  };
}
