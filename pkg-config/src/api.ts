/** The synchronous functions. Each takes and returns plain values, and throws {@link PrequalError} on bad input. */
import { Bundle } from './bundle.js';
import { run } from './engine.js';
import { PrequalError } from './errors.js';
import * as glue from './glue.js';
import { type Failure, type Result, refused, unwrap } from './result.js';
import type {
  Apr,
  AprInput,
  CapsInput,
  CapsVerdict,
  Decision,
  DecisionInput,
  JourneyEvent,
  JourneyStep,
  Prequalification,
  Quote,
  QuoteInput,
  Schedule,
  Snapshot,
  Terms,
  ValidateInput,
  Validation,
} from './types.js';

/** The instalments that follow from `terms`, to the cent. */
export function schedule(terms: Terms): Schedule {
  return unwrap(run(() => glue.schedule(terms) as Result<Schedule>));
}

/** The annual percentage rate of dated cash flows, by the convention the law in question uses. */
export function apr(flows: AprInput): Apr {
  return unwrap(run(() => glue.apr(flows) as Result<Apr>));
}

/** What legal ceilings say of terms before they are signed: what was reached, and the highest price that would pass. */
export function caps(question: CapsInput): CapsVerdict {
  return unwrap(run(() => glue.caps(question) as Result<CapsVerdict>));
}

/** Every plan with its schedule and rate at the bundle's dearest price: for messages, no promise. */
export function quote(bundle: Bundle, input: QuoteInput): Quote {
  const handle = Bundle.handle(bundle);
  return unwrap(run(() => handle.quote(input) as Result<Quote>));
}

/** Checks an application's fields; all errors at once. */
export function validate(bundle: Bundle, input: ValidateInput): Validation {
  const handle = Bundle.handle(bundle);
  return unwrap(run(() => handle.validate(input) as Result<Validation>));
}

/** The same for a form as the page holds it: each field's text is read by the type the bundle gives it. */
export function validateForm(
  bundle: Bundle,
  form: FormData,
  options: { readonly today: string; readonly step?: string },
): Validation {
  const handle = Bundle.handle(bundle);
  return unwrap(run(() => handle.validate_form(form, options.today, options.step) as Result<Validation>));
}

/** The fields that a form holds, as values of the bundle's types: what `validate` and `requestOffers` take. */
export function readForm(
  bundle: Bundle,
  form: FormData,
): Readonly<Record<string, string | number | boolean>> {
  const handle = Bundle.handle(bundle);
  return unwrap(
    run(() => handle.read_form(form) as Result<Readonly<Record<string, string | number | boolean>>>),
  );
}

/** An estimate by the public bundle: `likely`, `needs` or `continue`, and never a decline. */
export function prequalify(bundle: Bundle, input: DecisionInput): Prequalification {
  return JSON.parse(prequalifyCanonical(bundle, input)) as Prequalification;
}

/** The same as RFC 8785 canonical JSON, the bytes that every runtime gives alike. */
export function prequalifyCanonical(bundle: Bundle, input: DecisionInput | string): string {
  const handle = Bundle.handle(bundle);
  const text = asJson(input);
  return canonical(run(() => handle.prequalify(text)));
}

/** A decision by the full bundle: conditional offers, referral, decline, or what is still needed. */
export function decide(bundle: Bundle, input: DecisionInput): Decision {
  return JSON.parse(decideCanonical(bundle, input)) as Decision;
}

/** The same as RFC 8785 canonical JSON, the bytes that every runtime gives alike. */
export function decideCanonical(bundle: Bundle, input: DecisionInput | string): string {
  const handle = Bundle.handle(bundle);
  const text = asJson(input);
  return canonical(run(() => handle.decide(text)));
}

/**
 * One step of an application's first half. `snapshot` is what the step before returned, or what a page restored
 * (checked and migrated), or `null` for a new application; `actions` are what the page is to do next.
 */
export function journey(bundle: Bundle, snapshot: Snapshot | null, event: JourneyEvent): JourneyStep {
  const handle = Bundle.handle(bundle);
  return unwrap(run(() => handle.journey(snapshot, event) as Result<JourneyStep>));
}

/** A random id for a draft, `draft_…`. */
export function draftId(): string {
  return unwrap(run(() => glue.draft_id() as Result<string>));
}

/** A random key for one money-moving request and its retries. */
export function idempotencyKey(): string {
  return unwrap(run(() => glue.idempotency_key() as Result<string>));
}

/** 32 random bytes in hex: the `salt` of one application. */
export function salt(): string {
  return unwrap(run(() => glue.salt() as Result<string>));
}

/**
 * Keeps a draft under `prequal:draft:<id>` in the page's storage. A full or forbidden storage is an error with code
 * `storage_refused`; nothing but keys with this prefix is ever touched.
 */
export function saveDraft(storage: Storage, id: string, draft: object): void {
  const text = asJson(draft);
  unwrap(run(() => glue.save_draft(storage, id, text) as Result<null>));
}

/** The draft kept under `id`, or `null`. It was in the shopper's hands: treat it as untrusted. */
export function loadDraft(storage: Storage, id: string): unknown {
  const text = unwrap(run(() => glue.load_draft(storage, id) as Result<string | null>));
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Forgets the draft kept under `id`. */
export function removeDraft(storage: Storage, id: string): void {
  unwrap(run(() => glue.remove_draft(storage, id) as Result<null>));
}

function canonical(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  throw refused((answer as { readonly error: Failure }).error);
}

function asJson(input: object | string): string {
  if (typeof input === 'string') return input;
  let text: string | undefined;
  try {
    text = JSON.stringify(input);
  } catch (cause) {
    throw new PrequalError('malformed_input', 'the input cannot be written as JSON', { cause });
  }
  if (text === undefined) throw new PrequalError('malformed_input', 'the input must be an object');
  return text;
}
