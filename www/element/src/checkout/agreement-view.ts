import { heading } from '../lib/base.js';
import { costList, scheduleFigure } from '../lib/cost.js';
import { h, ICONS, icon, uniqueId } from '../lib/dom.js';
import { money, percent } from '../lib/format.js';
import type { Agreement, Signing } from '../types.js';
import { type SignatureHost, signatureView } from './signature-view.js';
import { demoLabel, type Frame } from './views.js';

/** The agreement to read, and the signature. */
export function agreementView(
  frame: Frame,
  agreement: Agreement,
  signing: Signing,
  host: SignatureHost,
): HTMLElement {
  const { offer } = agreement;
  const title = h('h3', { id: uniqueId('agreement') }, 'Credit agreement');
  return h(
    'div',
    { class: 'stack' },
    heading('Read the agreement, then sign', icon(ICONS.tick)),
    costList(offer, frame.locale),
    scheduleFigure(offer, frame.locale),
    h(
      'div',
      { class: 'stack tight' },
      title,
      h(
        'div',
        { class: 'document', tabindex: '0', role: 'region', 'aria-labelledby': title.id },
        agreement.text,
      ),
      h(
        'p',
        { class: 'muted small' },
        'Fingerprint of this text (SHA-256): ',
        h('span', { class: 'code' }, agreement.hash),
      ),
    ),
    h(
      'p',
      { class: 'muted' },
      `By signing you borrow ${money(offer.principal, offer.currency, frame.locale)} from ${frame.lender} at ${percent(offer.apr.apr_percent, frame.locale)} APR and agree to repay ${money(offer.total, offer.currency, frame.locale)}.`,
    ),
    signatureView(frame, offer, signing, host),
    demoLabel(frame),
  );
}
