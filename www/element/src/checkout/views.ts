import { button, heading } from '../lib/base.js';
import { comparedList, costList, scheduleFigure } from '../lib/cost.js';
import { openDialog } from '../lib/dialog.js';
import { h, ICONS, icon, uniqueId } from '../lib/dom.js';
import { counted, money } from '../lib/format.js';
import { plansView } from '../lib/plans.js';
import type { Advice, Remedy, Trouble } from '../lib/problem.js';
import type { Estimate, Field, Offer, Quote } from '../types.js';
import { type FormHost, FormView } from './form-view.js';

/** What every view of the checkout knows. */
export interface Frame {
  readonly root: ShadowRoot;
  readonly locale: string;
  readonly lender: string;
  readonly merchant: string;
  /** The bundle's own label, such as a warning that it is a demonstration. */
  readonly label: string | undefined;
}

export function demoLabel(frame: Frame): HTMLElement | null {
  if (frame.label === undefined) return null;
  return h(
    'p',
    { class: 'demo' },
    frame.label.charAt(0).toUpperCase() + frame.label.slice(1),
    /[.]$/u.test(frame.label) ? '' : '.',
  );
}

/** Placeholder of the height of the cost view. */
export function skeletonView(): HTMLElement {
  const bone = (height: number) => h('span', { class: `bone tall-${height}`, 'aria-hidden': 'true' });
  return h(
    'div',
    { class: 'stack', 'aria-busy': 'true' },
    h('p', { class: 'visually-hidden' }, 'Loading the lender’s terms'),
    bone(2),
    bone(5),
    bone(2),
    bone(2),
  );
}

/** The first view: what it costs, before anything is asked. */
export function costView(
  frame: Frame,
  quote: Quote,
  consents: readonly Field[],
  host: FormHost & {
    plan: string | undefined;
    choosePlan(plan: string): void;
    next(form: FormView, press: HTMLButtonElement): void;
  },
): HTMLElement {
  const plan = quote.plans.find((each) => each.plan === host.plan) ?? quote.plans[0];
  if (plan === undefined) return unavailableView(frame, quote);
  const cost = h('div', { class: 'stack' });
  const draw = (offer: Offer) =>
    cost.replaceChildren(costList(offer, frame.locale), scheduleFigure(offer, frame.locale));
  draw(plan);
  const form = new FormView(consents, host);
  return h(
    'div',
    { class: 'stack' },
    heading(`Pay ${frame.merchant === '' ? '' : `${frame.merchant} `}over time with ${frame.lender}`),
    planPicker(quote, plan, (chosen) => {
      host.choosePlan(chosen.plan);
      draw(chosen);
    }),
    cost,
    h(
      'div',
      { class: 'stack tight note' },
      h('p', {}, h('strong', {}, 'An estimate, not an offer.'), ` ${quote.notice}`),
      button('All plans and an example', 'link', () =>
        openDialog(frame.root, 'All plans', plansView(quote, frame.lender, frame.locale)),
      ),
    ),
    form.element,
    h(
      'div',
      { class: 'actions' },
      button('Continue', 'primary', (press) => host.next(form, press)),
    ),
    demoLabel(frame),
  );
}

function planPicker(quote: Quote, chosen: Offer, choose: (offer: Offer) => void): HTMLElement {
  const name = uniqueId('plan');
  return h(
    'fieldset',
    { class: 'group' },
    h('legend', {}, 'How many monthly payments?'),
    h(
      'div',
      { class: 'pills' },
      ...quote.plans.map((offer) => {
        const input = h('input', { type: 'radio', name, value: offer.plan, checked: offer === chosen });
        input.addEventListener('change', () => choose(offer));
        return h('label', { class: 'choice' }, input, h('span', {}, String(offer.count)));
      }),
    ),
  );
}

function unavailableView(frame: Frame, quote: Quote): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    heading('Paying over time is not available for this amount', icon(ICONS.stop)),
    h('p', {}, quote.notice),
    h('p', {}, 'Your cart is unchanged. You can pay in another way.'),
    demoLabel(frame),
  );
}

/** One step of the form. */
export function stepView(
  frame: Frame,
  title: string,
  position: string,
  form: FormView,
  host: { back(): void; next(press: HTMLButtonElement): void; last: boolean },
): HTMLElement {
  const element = h(
    'form',
    { class: 'stack', novalidate: true },
    heading(title, position),
    form.element,
    h(
      'div',
      { class: 'actions' },
      button('Back', 'secondary', () => host.back()),
      h('button', { type: 'submit', class: 'button primary' }, host.last ? 'See my estimate' : 'Continue'),
    ),
    demoLabel(frame),
  );
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const press = element.querySelector<HTMLButtonElement>('button[type="submit"]');
    if (press !== null && press.getAttribute('aria-disabled') !== 'true') host.next(press);
  });
  return element;
}

const ESTIMATES: Record<Estimate['outcome'], { title: string; text: string }> = {
  likely: {
    // The public rules are not all of the lender's rules: that they are met is no reason to expect a yes.
    title: 'Nothing rules you out so far',
    text: 'This is an estimate, not a decision. The lender has more to check, and decides when you ask for offers.',
  },
  continue: {
    title: 'We cannot estimate this from your answers alone',
    text: 'That is neither a yes nor a no. You can go on and ask the lender for a decision.',
  },
  needs: {
    title: 'A few answers need another look',
    text: 'With these answers an estimate is not possible yet.',
  },
};

/** What the browser itself makes of the answers; never a decline. */
export function estimateView(
  frame: Frame,
  estimate: Estimate,
  local: boolean,
  host: { correct(): void; ask(press: HTMLButtonElement): void },
): HTMLElement {
  const { title, text } = ESTIMATES[estimate.outcome];
  const place = local
    ? 'It was worked out on this device. Your answers have not been sent anywhere yet.'
    : 'Your answers were checked for this estimate and not stored.';
  return h(
    'div',
    { class: 'stack' },
    heading(title, icon(ICONS.person)),
    h('div', { class: 'stack tight' }, h('p', {}, text), h('p', { class: 'muted' }, place)),
    estimate.needs.length > 0 &&
      h('ul', { class: 'reasons' }, ...estimate.needs.map((need) => h('li', {}, need.text))),
    h(
      'div',
      { class: 'stack tight note' },
      h(
        'p',
        {},
        `If you go on, your application is sent to ${frame.lender}, which checks your credit history and answers with offers. You are not committed to anything.`,
      ),
    ),
    h(
      'div',
      { class: 'actions' },
      button(
        estimate.outcome === 'needs' ? 'Correct my answers' : 'Change my answers',
        estimate.outcome === 'needs' ? 'primary' : 'secondary',
        () => host.correct(),
      ),
      estimate.outcome !== 'needs' && button('Ask for my offers', 'primary', (press) => host.ask(press)),
    ),
    demoLabel(frame),
  );
}

/** The conditional offers, to be compared line by line. */
export function offersView(
  frame: Frame,
  offers: readonly Offer[],
  chosen: string | undefined,
  until: string | undefined,
  host: { choose(offer: Offer): void; submit(offer: Offer, press: HTMLButtonElement): void; decline(): void },
): HTMLElement {
  const name = uniqueId('offer');
  const first = offers[0];
  const amount = first === undefined ? 'this order' : money(first.principal, first.currency, frame.locale);
  let current = offers.find((offer) => offer.plan === chosen);
  const submit = button('', 'primary', (press) => {
    if (current !== undefined) {
      host.submit(current, press);
      return;
    }
    fail('Choose one of the offers to go on.');
    group.querySelector<HTMLInputElement>('input[type="radio"]')?.focus();
  });
  const fail = (message: string | undefined) => {
    group.setAttribute('aria-invalid', message === undefined ? 'false' : 'true');
    error.replaceChildren(...(message === undefined ? [] : [icon(ICONS.warning), h('span', {}, message)]));
  };
  const relabel = () => {
    submit.textContent =
      current === undefined
        ? 'Choose an offer'
        : `Continue with ${counted(current.count, 'payment', 'payments')}`;
  };
  relabel();
  const error = h('p', { class: 'error', id: uniqueId('error'), role: 'alert' });
  const cards = offers.map((offer) => {
    const cost = comparedList(offer, frame.locale);
    cost.id = uniqueId('cost');
    const input = h('input', {
      type: 'radio',
      name,
      value: offer.plan,
      checked: offer === current,
      'aria-describedby': cost.id,
    });
    const detail = h('div', {}, cost, scheduleFigure(offer, frame.locale));
    detail.querySelector('.schedule')?.toggleAttribute('hidden', offer !== current);
    const card = h(
      'div',
      { class: 'choice offer' },
      h('label', {}, input, h('span', {}, counted(offer.count, 'monthly payment', 'monthly payments'))),
      detail,
    );
    input.addEventListener('change', () => {
      current = offer;
      fail(undefined);
      host.choose(offer);
      for (const each of cards)
        each.detail.querySelector('.schedule')?.toggleAttribute('hidden', each.detail !== detail);
      relabel();
    });
    return { card, detail };
  });
  const group = h(
    'fieldset',
    { class: 'group', role: 'radiogroup', 'aria-describedby': error.id },
    h('legend', { class: 'visually-hidden' }, 'Offers'),
    h('div', { class: 'stack mid' }, ...cards.map(({ card }) => card)),
    error,
  );
  return h(
    'div',
    { class: 'stack' },
    heading(`${offers.length === 1 ? 'Your offer' : `Your ${offers.length} offers`} for ${amount}`),
    h(
      'p',
      { class: 'muted' },
      `From ${frame.lender}, on condition of a final check when you continue.`,
      until === undefined ? '' : ` Held until ${until}.`,
    ),
    group,
    h(
      'div',
      { class: 'actions' },
      button('No, thanks', 'secondary', () => host.decline()),
      submit,
    ),
    demoLabel(frame),
  );
}

/** A problem, with what happened, what is safe, and one thing to do. */
export function problemView(
  problem: Trouble,
  advice: Advice,
  act: (remedy: Remedy, press: HTMLButtonElement) => void,
): HTMLElement {
  return h(
    'div',
    { class: 'stack' },
    heading(advice.title, icon(ICONS.warning)),
    h('div', { class: 'stack tight' }, h('p', {}, advice.happened), h('p', {}, advice.safe)),
    advice.remedy !== 'none' &&
      h(
        'div',
        { class: 'actions' },
        button(advice.action, 'primary', (press) => act(advice.remedy, press)),
      ),
    problem.detail !== '' &&
      h(
        'details',
        {},
        h('summary', {}, 'What the lender’s system said'),
        h('p', { class: 'small muted' }, `${problem.detail} (${problem.slug})`),
      ),
  );
}
