import { button } from '../lib/base.js';
import { clockText, countDown } from '../lib/countdown.js';
import { h, ICONS, icon } from '../lib/dom.js';
import { codeControl } from '../lib/field.js';
import { counted, money, timeOfDay } from '../lib/format.js';
import type { Offer, Signature, Signing } from '../types.js';
import { FormView } from './form-view.js';
import type { Frame } from './views.js';

/** How many digits a code has. */
const DIGITS = 6;

/** What became of a signature that was refused: words for its field, and where the code stands then, if it changed. */
export interface Refused {
  readonly message: string;
  readonly signing?: Signing;
}

export interface SignatureHost {
  /** Has a code sent, and calls `shown` with where it stands; `message` says why none was. */
  sendCode(press: HTMLButtonElement, shown: (signing: Signing, message?: string) => void): void;
  sign(signature: Signature, press: HTMLButtonElement, refused: (why: Refused) => void): void;
  withdraw(): void;
  announce(text: string): void;
}

/** How a person signs: by the code that was sent, or by name where the lender takes one. */
export function signatureView(
  frame: Frame,
  offer: Offer,
  signing: Signing,
  host: SignatureHost,
): HTMLElement {
  const place = h('div', { class: 'stack' });
  const borrow = `Sign and borrow ${money(offer.principal, offer.currency, frame.locale)}`;
  const view: View = {
    frame,
    currency: offer.currency,
    borrow,
    host,
    place,
    both: signing.methods.length > 1,
  };
  if (signing.methods[0] === 'typed_name') byName(view, signing);
  else byCode(view, signing, false);
  return place;
}

interface View {
  readonly frame: Frame;
  readonly currency: string;
  /** What the button says that signs. */
  readonly borrow: string;
  readonly host: SignatureHost;
  readonly place: HTMLElement;
  /** Whether there is a choice of methods. */
  readonly both: boolean;
}

/** The way of a code: asked for, typed, and asked for again when it is over. */
function byCode(view: View, signing: Signing, focus: boolean, message?: string): void {
  const { code } = signing;
  const open = code !== null && code.seconds_left > 0 && code.attempts_left > 0;
  if (open) codeEntry(view, signing, focus, message);
  else codeRequest(view, signing, focus, message);
}

function actions({ host }: View, primary: HTMLElement | null): HTMLElement {
  return h(
    'div',
    { class: 'actions' },
    button('Do not sign', 'secondary', () => host.withdraw()),
    primary,
  );
}

/** Before a code is out, and after one was used up. */
function codeRequest(view: View, signing: Signing, focus: boolean, message?: string): void {
  const { host, place } = view;
  const to = signing.sent_to;
  const none = signing.codes_left <= 0;
  const title = h('h3', { tabindex: '-1' }, 'Sign with a one-time code');
  const over = signing.code !== null;
  const words = none
    ? 'No more codes can be sent for this application. Stop here and start again, or ask the lender.'
    : `${over ? 'The last code cannot be used any more. We send another' : 'We send a code of six digits'}${to === null ? '' : ` to ${to}`}. Typing it here is your signature.`;
  const send = sendButton(
    view,
    over ? 'Send another code' : 'Send me a code',
    'primary',
    signing.wait_seconds,
  );
  place.replaceChildren(
    h(
      'div',
      { class: 'stack tight' },
      title,
      h('p', {}, words),
      message !== undefined && h('p', { class: 'error' }, icon(ICONS.warning), h('span', {}, message)),
    ),
    ...others(view, signing, 'typed_name'),
    actions(view, none ? null : send),
  );
  if (focus) title.focus();
  if (message !== undefined) host.announce(message);
}

/** A button that has a code sent, at rest while the last one may be on its way. */
function sendButton(view: View, label: string, kind: 'primary' | 'link', wait: number): HTMLButtonElement {
  const send = button(label, kind, (press) =>
    view.host.sendCode(press, (next, message) => byCode(view, next, true, message)),
  );
  if (wait <= 0) return send;
  send.setAttribute('aria-disabled', 'true');
  send.classList.add('waiting');
  countDown(send, wait, (left) => {
    if (left > 0) send.textContent = `${label} (${clockText(left)})`;
    else {
      send.removeAttribute('aria-disabled');
      send.classList.remove('waiting');
      send.textContent = label;
    }
  });
  return send;
}

/** The field for the code that is out. */
function codeEntry(view: View, signing: Signing, focus: boolean, message?: string): void {
  const { frame, host, place } = view;
  const { code } = signing;
  const until = timeOfDay(
    new Date(Date.now() + (code?.seconds_left ?? 0) * 1000).toISOString(),
    frame.locale,
  );
  const field = {
    id: 'signing_code',
    type: 'text',
    label: signing.sent_to === null ? 'The code that was sent' : `The code sent to ${signing.sent_to}`,
    help: `Six digits. They hold until ${until}.`,
    required: true,
  } as const;
  const control = codeControl(field, {
    locale: frame.locale,
    currency: view.currency,
    value: undefined,
    change: () => undefined,
    leave: () => undefined,
  });
  const fail = (words: string) => {
    control.fail(words);
    control.focus();
    host.announce(words);
  };
  const sign = (press: HTMLButtonElement) => {
    const digits = String(control.read() ?? '');
    if (digits.length !== DIGITS) {
      fail(`Type the ${counted(DIGITS, 'digit', 'digits')} of the code.`);
      return;
    }
    control.fail(undefined);
    host.sign({ method: 'one_time_code', code: digits }, press, (why) =>
      why.signing === undefined ? fail(why.message) : byCode(view, why.signing, true, why.message),
    );
  };
  control.element.classList.add('otp');
  place.replaceChildren(
    signForm(
      view,
      sign,
      h(
        'div',
        { class: 'stack tight' },
        control.element,
        signing.codes_left > 0
          ? sendButton(view, 'Send another code', 'link', signing.wait_seconds)
          : h('p', { class: 'muted small' }, 'This was the last code for this application.'),
        ...others(view, signing, 'typed_name'),
      ),
    ),
  );
  if (message !== undefined) fail(message);
  else if (focus) control.focus();
  countDown(control.element, code?.seconds_left ?? 0, (left) => {
    if (left === 0 && control.element.isConnected) {
      const over = code === null ? null : { ...code, seconds_left: 0 };
      byCode(view, { ...signing, code: over, wait_seconds: 0 }, false, 'The code has run out.');
    }
  });
}

/** Enter in the field is the button beside it. */
function signForm(view: View, sign: (press: HTMLButtonElement) => void, content: HTMLElement): HTMLElement {
  const press = button(view.borrow, 'primary', sign);
  const form = h('form', { class: 'stack', novalidate: true }, content, actions(view, press));
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    press.click();
  });
  return form;
}

/** The other way of signing, where the lender leaves a choice. */
function others(view: View, signing: Signing, other: Signature['method']): HTMLElement[] {
  if (!view.both || !signing.methods.includes(other)) return [];
  return other === 'typed_name'
    ? [button('Sign by typing my name instead', 'link', () => byName(view, signing))]
    : [button('Sign with a one-time code instead', 'link', () => byCode(view, signing, true))];
}

function byName(view: View, signing: Signing): void {
  const { frame, host, place } = view;
  const form = new FormView(
    [
      {
        id: 'signature',
        type: 'person_name',
        label: 'Type your full name to sign',
        help: 'As you gave it in the application.',
        required: true,
      },
    ],
    {
      locale: frame.locale,
      currency: view.currency,
      values: {},
      change: () => undefined,
      leave: () => undefined,
    },
  );
  const fail = (message: string) => void form.fail([{ field: 'signature', code: 'signature', message }]);
  const sign = (press: HTMLButtonElement) => {
    const name = form.values().signature;
    if (typeof name !== 'string') fail('type your full name to sign');
    else host.sign({ method: 'typed_name', name }, press, (why) => fail(why.message));
  };
  place.replaceChildren(
    signForm(
      view,
      sign,
      h('div', { class: 'stack tight' }, form.element, ...others(view, signing, 'one_time_code')),
    ),
  );
}
