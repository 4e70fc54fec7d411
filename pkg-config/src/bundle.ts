/** Bundles: verified before they are believed, then opaque. */
import { run } from './engine.js';
import { BundleError } from './errors.js';
import { WasmBundle } from './glue.js';
import { Handle } from './handle.js';
import { type Failure, type Result, unwrap } from './result.js';
import type { Form, Jwk } from './types.js';

const FORMAT = 'prequal-bundle/1';
const ENVELOPE_MEMBERS = new Set(['format', 'kid', 'payload', 'signature']);
/** The longest envelope that is read, in UTF-16 units of its text. */
const ENVELOPE_LENGTH_MAX = 16 * 1024 * 1024;

/** A signed bundle as `prequal bundle sign` writes it. */
export interface BundleEnvelope {
  readonly format: string;
  readonly kid: string;
  readonly payload: string;
  readonly signature: string;
}

export interface LoadBundleOptions {
  /** The public keys that are trusted to sign bundles. A key named only inside the bundle is refused. */
  readonly keys: readonly Jwk[];
}

interface Facts {
  readonly hash: string;
  readonly id: string;
  readonly version: string;
  readonly part: 'full' | 'public';
  readonly time_zone: string;
  readonly label: string;
  readonly evidence: readonly string[];
}

const MADE_HERE = Symbol('loadBundle');

/** A verified bundle. Opaque: what a lender decides stays inside. */
export class Bundle {
  /** Lower-case hex SHA-256 of the signed payload. */
  readonly hash: string;
  readonly id: string;
  readonly version: string;
  /** `public` may be shown to anybody; `full` belongs on the lender's side. */
  readonly part: 'full' | 'public';
  /** The IANA time zone in which its business dates are meant. */
  readonly timeZone: string;
  /** What must stand beside every offer. */
  readonly label: string;
  /** The evidence its decisions take, by key: what to ask of providers. Empty in a public bundle. */
  readonly evidenceKeys: readonly string[];
  readonly #handle: Handle<WasmBundle>;
  #calendar: Intl.DateTimeFormat | undefined;

  /** @internal Made by {@link loadBundle} only. */
  constructor(payload: Uint8Array, proof: symbol) {
    if (proof !== MADE_HERE) throw new TypeError('a bundle is made by `loadBundle`');
    this.#handle = new Handle(() => new WasmBundle(payload), refused);
    const facts = unwrap(run(() => this.#live().facts() as Result<Facts>));
    this.hash = facts.hash;
    this.id = facts.id;
    this.version = facts.version;
    this.part = facts.part;
    this.timeZone = facts.time_zone;
    this.label = facts.label;
    this.evidenceKeys = facts.evidence;
  }

  /** The application form's steps and fields, with texts in `locale` or the bundle's own language. */
  form(locale?: string): Form {
    const handle = this.#live();
    return unwrap(run(() => handle.form(locale) as Result<Form>));
  }

  /** The names of the model's features, in the order of a row's values; empty without a model. */
  get modelFeatures(): readonly string[] {
    const handle = this.#live();
    return unwrap(run(() => handle.model_features() as Result<string[]>));
  }

  /**
   * The points of many rows at once, without JSON on the way. `rows` holds whole rows one after another, a value for
   * each of {@link modelFeatures}: NaN is missing, a category is its position among those the model lists. A scorecard's
   * or, in a bundle that decides by trees, theirs.
   *
   * @throws {PrequalError} `no_model`, `row_length`, `value_kind`
   */
  scoreRows(rows: Float64Array): Int32Array {
    const handle = this.#live();
    const points = new Int32Array(rows.length / Math.max(1, this.modelFeatures.length));
    unwrap(run(() => handle.score_rows(rows, points) as Result<null>));
    return points;
  }

  /** The business date `YYYY-MM-DD` at the instant `asOf`, in the bundle's time zone. */
  today(asOf: Date): string {
    this.#calendar ??= new Intl.DateTimeFormat('en-US', {
      timeZone: this.timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    const part = new Map(this.#calendar.formatToParts(asOf).map(({ type, value }) => [type, value]));
    return `${part.get('year')?.padStart(4, '0')}-${part.get('month')}-${part.get('day')}`;
  }

  /** @internal The low-level handle in the running instance, opened again if the instance was replaced. */
  static handle(bundle: Bundle): WasmBundle {
    return bundle.#live();
  }

  #live(): WasmBundle {
    return this.#handle.live();
  }
}

function refused(failure: Failure): BundleError {
  return new BundleError(failure.code, failure.message, failure);
}

/**
 * Verifies an envelope's Ed25519 signature with WebCrypto against the keys given, and opens it.
 *
 * @throws {BundleError} when it is malformed, unsigned, signed by a key not among `keys`, or altered; with code
 *   `ed25519_unavailable` where the runtime's WebCrypto has no Ed25519
 * @throws {WasmUnavailable}
 */
export async function loadBundle(
  envelope: string | Uint8Array | BundleEnvelope,
  options: LoadBundleOptions,
): Promise<Bundle> {
  const { kid, payload, signature } = readEnvelope(envelope);
  const trusted = await findKey(kid, options.keys);
  await verify(trusted, payload, signature);
  return new Bundle(payload, MADE_HERE);
}

interface Opened {
  readonly kid: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

function readEnvelope(given: string | Uint8Array | BundleEnvelope): Opened {
  const members = given instanceof Uint8Array || typeof given === 'string' ? parse(given) : { ...given };
  for (const name of Object.keys(members)) {
    if (!ENVELOPE_MEMBERS.has(name)) throw malformed(`unknown member \`${name}\``, name);
  }
  const { format, kid, payload, signature } = members as Record<string, unknown>;
  if (format !== FORMAT) throw malformed(`\`format\` must be \`${FORMAT}\``, 'format');
  if (kid === undefined && signature === undefined) {
    throw new BundleError('bundle_unsigned', 'the bundle is not signed');
  }
  if (typeof kid !== 'string') throw malformed('`kid` must be a string', 'kid');
  return { kid, payload: base64url(payload, 'payload'), signature: base64url(signature, 'signature') };
}

function parse(given: string | Uint8Array): object {
  if (given.length > ENVELOPE_LENGTH_MAX) throw malformed(`it is longer than ${ENVELOPE_LENGTH_MAX}`);
  let value: unknown;
  try {
    value = JSON.parse(
      typeof given === 'string' ? given : new TextDecoder('utf-8', { fatal: true }).decode(given),
    );
  } catch {
    throw malformed('it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('it is not an object');
  return value;
}

function malformed(why: string, field?: string): BundleError {
  return new BundleError(
    'bundle_malformed',
    `the bundle cannot be read: ${why}`,
    field === undefined ? undefined : { field },
  );
}

async function findKey(kid: string, keys: readonly Jwk[]): Promise<CryptoKey> {
  for (const jwk of keys) {
    if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || typeof jwk.x !== 'string') {
      throw new BundleError('bundle_key_invalid', 'a bundle key must be an Ed25519 JWK');
    }
    if ((await thumbprint(jwk.x)) !== kid) continue;
    const use = jwk['prequal_use'];
    if (use !== undefined && use !== 'bundle') {
      throw new BundleError('bundle_key_invalid', `the key \`${kid}\` is for another use`);
    }
    return importKey(jwk.x);
  }
  throw new BundleError('bundle_key_unknown', `the bundle is signed by \`${kid}\`, a key not trusted here`);
}

/** The key id by RFC 7638; computed, so that a `kid` written into the key file decides nothing. */
async function thumbprint(x: string): Promise<string> {
  const canonical = `{"crv":"Ed25519","kty":"OKP","x":${JSON.stringify(x)}}`;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical)));
  return btoa(String.fromCharCode(...hash))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
}

async function importKey(x: string): Promise<CryptoKey> {
  try {
    return await crypto.subtle.importKey(
      'jwk',
      { kty: 'OKP', crv: 'Ed25519', x },
      { name: 'Ed25519' },
      false,
      ['verify'],
    );
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'NotSupportedError') {
      const message = 'the WebCrypto of this runtime has no Ed25519, so the bundle cannot be verified';
      throw new BundleError('ed25519_unavailable', message, { cause });
    }
    throw new BundleError('bundle_key_invalid', 'a bundle key cannot be imported', { cause });
  }
}

async function verify(
  trusted: CryptoKey,
  payload: Uint8Array,
  signature: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const prefix = new TextEncoder().encode(`${FORMAT}\n`);
  const signed = new Uint8Array(prefix.length + payload.length);
  signed.set(prefix);
  signed.set(payload, prefix.length);
  if (!(await crypto.subtle.verify({ name: 'Ed25519' }, trusted, signature, signed))) {
    throw new BundleError('bundle_signature_invalid', 'the bundle was altered after it was signed');
  }
}

function base64url(given: unknown, field: string): Uint8Array<ArrayBuffer> {
  if (typeof given !== 'string' || !/^[A-Za-z0-9_-]*$/.test(given)) {
    throw malformed(`\`${field}\` must be base64url without padding`, field);
  }
  if (given.length % 4 === 1) throw malformed(`\`${field}\` ends in the middle of a byte`, field);
  const binary = atob(given.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
