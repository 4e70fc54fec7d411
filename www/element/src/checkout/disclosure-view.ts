import { button, heading } from '../lib/base.js';
import { clockText, countDown } from '../lib/countdown.js';
import { h, ICONS, icon, uniqueId } from '../lib/dom.js';
import type { Disclosure } from '../types.js';
import { figures } from './disclosure-figures.js';
import { FormView } from './form-view.js';
import { demoLabel, type Frame } from './views.js';

/** From how many seconds on the wait is told again in between, and how often. */
const TOLD_EVERY_SECONDS = 30;

const LANGUAGE: Record<Disclosure['jurisdiction'], string> = { us: 'en', eu: 'en', cn: 'zh-CN' };

/** What must be told before the contract, and its confirmation. */
export function disclosureView(
  frame: Frame,
  told: Disclosure,
  host: {
    confirm(press: HTMLButtonElement): void;
    withdraw(): void;
    announce(text: string): void;
  },
): HTMLElement {
  const lang = LANGUAGE[told.jurisdiction];
  const title = h('h3', { id: uniqueId('told') }, 'The information in full');
  const form = new FormView(
    [
      {
        id: 'disclosure_read',
        type: 'consent',
        label: 'I have read this information about what the credit costs.',
        help: 'This does not sign anything yet.',
        required: true,
      },
    ],
    {
      locale: frame.locale,
      currency: told.document.currency,
      values: {},
      change: () => undefined,
      leave: () => undefined,
    },
  );
  const confirm = button('Confirm and continue', 'primary', (press) => {
    const message = 'tick this when you have read it';
    const ticked = form.values().disclosure_read === true;
    const missing = ticked ? [] : [{ field: 'disclosure_read', code: 'unconfirmed', message }];
    if (!form.fail(missing)) host.confirm(press);
  });
  return h(
    'div',
    { class: 'stack' },
    heading('Approved. Read this before you sign', icon(ICONS.tick)),
    h(
      'p',
      {},
      `${frame.lender} must tell you what this credit costs before you sign anything. Take your time: nothing is borrowed yet.`,
    ),
    h('div', { lang }, figures(told, frame.locale)),
    h(
      'div',
      { class: 'stack tight' },
      title,
      h(
        'div',
        { class: 'document', tabindex: '0', role: 'region', 'aria-labelledby': title.id, lang },
        told.text,
      ),
      h(
        'p',
        { class: 'muted small' },
        'Fingerprint of this information (SHA-256): ',
        h('span', { class: 'code' }, told.hash),
      ),
      saveLink(told),
    ),
    form.element,
    readingTime(told, confirm, host.announce),
    h(
      'div',
      { class: 'actions' },
      button('Do not go on', 'secondary', () => host.withdraw()),
      confirm,
    ),
    demoLabel(frame),
  );
}

/** A copy to keep (12 CFR 1026.17(a)(1)), made in the page of what stands there. */
function saveLink(told: Disclosure): HTMLElement {
  return button('Save a copy', 'link', () => {
    const content = `${told.text}\nSHA-256 ${told.hash}\n`;
    const href = URL.createObjectURL(new Blob([content], { type: 'text/plain;charset=utf-8' }));
    const link = h('a', { href, download: 'pre-contract-information.txt' });
    link.click();
    setTimeout(() => URL.revokeObjectURL(href), 1_000);
  });
}

/** Keeps the button from being pressed until the law's reading time has passed; seen each second, told politely. */
function readingTime(
  told: Disclosure,
  confirm: HTMLButtonElement,
  announce: (text: string) => void,
): HTMLElement | null {
  if (told.seconds_left <= 0) return null;
  const clock = h('strong', { class: 'number' });
  const words = h('span', {}, `The law gives you ${told.reading_seconds} seconds to read this first`);
  const element = h('p', { class: 'notice wait', id: uniqueId('wait') }, words, clock);
  confirm.setAttribute('aria-disabled', 'true');
  confirm.setAttribute('aria-describedby', element.id);
  confirm.classList.add('waiting');
  let started = false;
  countDown(element, told.seconds_left, (left) => {
    clock.textContent = clockText(left);
    if (left === 0) {
      confirm.removeAttribute('aria-disabled');
      confirm.removeAttribute('aria-describedby');
      confirm.classList.remove('waiting');
      element.replaceChildren(h('span', {}, 'The time to read has passed. You can confirm now.'));
      announce('You can confirm now.');
    } else if (element.isConnected && (!started || left % TOLD_EVERY_SECONDS === 0)) {
      // Not before it stands on the page: the heading, which has the focus, is read first.
      started = true;
      announce(`You can confirm in ${left} seconds.`);
    }
  });
  return element;
}
