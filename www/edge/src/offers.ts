/** `POST /v1/offers`: from an application to signed offers, with the server told first. */
import {
  type Bundle,
  type Decision,
  type DecisionInput,
  decideCanonical,
  type Evidence,
  type FieldError,
  type Need,
  salt,
  validate,
} from 'prequal';
import { type Members, object, only, string } from './body.js';
import { type Checkout, readCheckout } from './checkout-token.js';
import type { Now } from './clock.js';
import type { Config } from './config.js';
import { fetchEvidence } from './evidence.js';
import { sign } from './jws.js';
import { log } from './log.js';
import { readFields } from './messages.js';
import { problem } from './problem.js';
import { recordApplication } from './server.js';

const TOKEN_LENGTH_MAX = 16 * 1024;
const CONSENTS_MAX = 16;
const CONSENT_LENGTH_MAX = 128;
const OFFER_TYPE = 'prequal-offer+jwt';

export interface Consent {
  readonly purpose: string;
  readonly text_hash: string;
  readonly given_at: string;
}

export async function offersAnswer(full: Bundle, body: Members, now: Now, config: Config): Promise<unknown> {
  only(body, ['checkout_token', 'fields', 'consents']);
  const token = string(body, 'checkout_token', TOKEN_LENGTH_MAX);
  const fields = readFields(body.fields);
  const consents = readConsents(body.consents);
  const checkout = await readCheckout(token, config.checkoutKeys, config.lenderId, now.seconds);

  const order = { amount: checkout.amount, currency: checkout.currency };
  const today = full.today(now.date);
  // Nobody is asked about a person whose form is not yet complete, consents included; nothing is decided.
  const { ok, errors } = validate(full, { order, fields, today });
  refuseForeign(errors);
  if (!ok) return { outcome: 'needs', offers: [], reasons: [], needs: errors.map(fieldNeed) };
  requireConsents(full, consents);
  const evidence = await askAbout(full, fields, config);
  const input: DecisionInput = {
    application: { order, fields },
    evidence,
    salt: salt(),
    as_of: now.text,
    today,
  };
  const decision = JSON.parse(decideCanonical(full, input)) as Decision;
  if (decision.outcome === 'needs') return shown(decision, []);

  const offers = decision.offers.map((offer) => ({ offer, id: crypto.randomUUID() }));
  const recorded = await recordApplication(config, {
    checkout_token: token,
    input,
    decision,
    offers: offers.map(({ offer, id }) => ({ offer_id: id, plan: offer.plan, terms_hash: offer.terms_hash })),
    consents,
  });
  const { application_id, capability, decision_id } = recorded;
  const signed = await Promise.all(
    offers.map(async ({ offer, id }) => {
      const claims = claimsOf(offer, id, application_id, decision, checkout, now, config);
      return {
        ...offer,
        offer_id: id,
        jws: await sign(config.offerKey.key, config.offerKey.kid, OFFER_TYPE, claims),
      };
    }),
  );
  log('decided', {
    checkout: checkout.id,
    application: application_id,
    outcome: decision.outcome,
    offers: signed.length,
    bundle: full.hash,
  });
  return { ...shown(decision, signed), application_id, capability, decision_id };
}

/** What no shopper could put right: a field that the form does not have, or a checkout in another currency. */
function refuseForeign(errors: readonly FieldError[]): void {
  const wrong = errors.find(({ code }) => code === 'unknown_field' || code === 'currency_mismatch');
  if (wrong === undefined) return;
  const detail = `\`${wrong.field}\`: ${wrong.message}`;
  throw problem('invalid-body', wrong.code === 'unknown_field' ? { detail, pointer: '/fields' } : { detail });
}

function fieldNeed({ field, code, message }: FieldError): Need {
  return { kind: 'field', id: field, code, text: message };
}

function askAbout(
  full: Bundle,
  fields: Members,
  config: Config,
): Promise<Readonly<Record<string, Evidence>>> {
  const email = full
    .form()
    .steps.flatMap((step) => step.fields)
    .find((field) => field.type === 'email');
  const address = email === undefined ? undefined : fields[email.id];
  return fetchEvidence(full.evidenceKeys, typeof address === 'string' ? address : '', config);
}

/** What the browser sees: neither the trace nor the hashes over personal input. */
function shown(decision: Decision, offers: readonly object[]): object {
  const { outcome, reasons, needs, expires } = decision;
  return { outcome, offers, reasons, needs, ...(outcome === 'eligible' ? { expires } : {}) };
}

function claimsOf(
  offer: Decision['offers'][number],
  id: string,
  application: string,
  decision: Decision,
  checkout: Checkout,
  now: Now,
  config: Config,
): object {
  return {
    iss: config.edgeId,
    aud: config.lenderId,
    jti: id,
    checkout: checkout.id,
    cart_hash: checkout.cartHash,
    application,
    as_of: now.text,
    bundle_hash: decision.bundle_hash,
    input_hash: decision.input_hash,
    iat: now.seconds,
    exp: Date.parse(decision.expires) / 1000,
    offer,
  };
}

/**
 * Nobody's report is asked for without the record that they agreed. Whether each record names the very text that was
 * shown, in whatever language, the server checks.
 */
function requireConsents(full: Bundle, consents: readonly Consent[]): void {
  const given = new Set(consents.map(({ purpose }) => purpose));
  for (const { type, required, purpose } of full.form().steps.flatMap((step) => step.fields)) {
    if (type !== 'consent' || !required || purpose === undefined || given.has(purpose)) continue;
    throw problem('consent-missing', { detail: `\`${purpose}\` is required`, pointer: '/consents' });
  }
}

function readConsents(value: unknown): Consent[] {
  if (!Array.isArray(value) || value.length > CONSENTS_MAX) {
    const detail = `\`consents\` must be a list of at most ${CONSENTS_MAX}`;
    throw problem('invalid-body', { detail, pointer: '/consents' });
  }
  return value.map((given: unknown, index) => {
    const pointer = `/consents/${index}`;
    const members = object(given, pointer);
    only(members, ['purpose', 'text_hash', 'given_at'], pointer);
    const read = (name: string) => string(members, name, CONSENT_LENGTH_MAX, pointer);
    return { purpose: read('purpose'), text_hash: read('text_hash'), given_at: read('given_at') };
  });
}
