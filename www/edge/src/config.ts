/** What the deployment says: variables, secrets and the bundle store, read once an isolate and refused when wrong. */
import type { Jwk } from 'prequal';

/** The part of a KV namespace that is used. */
export interface BundleStore {
  get(key: string, options: { type: 'text'; cacheTtl?: number }): Promise<string | null>;
}

export interface Env {
  readonly BUNDLES: BundleStore;
  readonly EDGE_ID: string;
  readonly LENDER_ID: string;
  readonly SERVER_URL: string;
  readonly BUREAU_URL: string;
  readonly BUREAU_ID: string;
  readonly ALLOWED_ORIGINS: string;
  readonly BUNDLE_KEYS: string;
  readonly CHECKOUT_KEYS: string;
  readonly OFFER_KEY: string;
  /** What this edge shows to the lender's server, and to nobody else. */
  readonly EDGE_KEY: string;
  /** What this edge shows to the bureau. */
  readonly BUREAU_KEY: string;
  readonly BUREAU_DEADLINE_MS?: string;
  readonly SERVER_DEADLINE_MS?: string;
  /** `1`: the lender's sandbox, whose clock is asked for the time. Never set in production. */
  readonly SANDBOX?: string;
}

export interface Config {
  readonly edgeId: string;
  readonly lenderId: string;
  readonly serverUrl: string;
  readonly bureauUrl: string;
  readonly bureauId: string;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly bundleKeys: readonly Jwk[];
  readonly checkoutKeys: ReadonlyMap<string, CryptoKey>;
  readonly offerKey: { readonly kid: string; readonly key: CryptoKey };
  readonly edgeKey: string;
  readonly bureauKey: string;
  readonly bureauDeadlineMs: number;
  readonly serverDeadlineMs: number;
  readonly sandbox: boolean;
}

const DEADLINE_MS_MAX = 30_000;
const BUREAU_DEADLINE_MS = 1_500;
const SERVER_DEADLINE_MS = 10_000;
const ED25519 = { name: 'Ed25519' };

/** @throws {Error} naming the variable that is missing or wrong; its message holds no secret */
export async function readConfig(env: Env): Promise<Config> {
  return {
    edgeId: text(env, 'EDGE_ID'),
    lenderId: text(env, 'LENDER_ID'),
    serverUrl: url(env, 'SERVER_URL').replace(/\/+$/, ''),
    bureauUrl: url(env, 'BUREAU_URL'),
    bureauId: text(env, 'BUREAU_ID'),
    allowedOrigins: new Set(env.ALLOWED_ORIGINS.split(',').map((origin) => origin.trim())),
    bundleKeys: publicKeys(env, 'BUNDLE_KEYS', 'bundle'),
    checkoutKeys: await importPublic(publicKeys(env, 'CHECKOUT_KEYS', 'checkout')),
    offerKey: await importPrivate(json(env, 'OFFER_KEY')),
    edgeKey: text(env, 'EDGE_KEY'),
    bureauKey: text(env, 'BUREAU_KEY'),
    bureauDeadlineMs: milliseconds(env, 'BUREAU_DEADLINE_MS', BUREAU_DEADLINE_MS),
    serverDeadlineMs: milliseconds(env, 'SERVER_DEADLINE_MS', SERVER_DEADLINE_MS),
    sandbox: env.SANDBOX === '1',
  };
}

type TextName = Exclude<keyof Env, 'BUNDLES'>;

function text(env: Env, name: TextName): string {
  const value: unknown = env[name];
  if (typeof value !== 'string' || value.trim() === '') throw new Error(`${name} is not set`);
  return value.trim();
}

function url(env: Env, name: TextName): string {
  const value = text(env, name);
  if (!URL.canParse(value)) throw new Error(`${name} is not a web address`);
  return value;
}

function milliseconds(env: Env, name: TextName, otherwise: number): number {
  if (env[name] === undefined) return otherwise;
  const value = Number(env[name]);
  if (Number.isInteger(value) && value > 0 && value <= DEADLINE_MS_MAX) return value;
  throw new Error(`${name} must be a whole number of milliseconds up to ${DEADLINE_MS_MAX}`);
}

function json(env: Env, name: TextName): unknown {
  try {
    return JSON.parse(text(env, name));
  } catch {
    throw new Error(`${name} is not JSON`);
  }
}

/** A key made for another use, or with its private half, does not belong here. */
function publicKeys(env: Env, name: TextName, use: string): Jwk[] {
  const keys = json(env, name);
  if (!Array.isArray(keys) || keys.length === 0) throw new Error(`${name} must be a JSON array of keys`);
  for (const key of keys as Partial<Jwk>[]) {
    const fits = key.kty === 'OKP' && key.crv === 'Ed25519' && typeof key.x === 'string';
    if (!fits || typeof key.kid !== 'string') throw new Error(`${name} must hold Ed25519 keys with \`kid\``);
    if (key.d !== undefined) throw new Error(`${name} holds a private key`);
    if (key.prequal_use !== use) throw new Error(`${name} holds a key made for another use`);
  }
  return keys as Jwk[];
}

async function importPublic(keys: readonly Jwk[]): Promise<Map<string, CryptoKey>> {
  const imported = new Map<string, CryptoKey>();
  for (const { kid = '', x = '' } of keys) {
    const key = { kty: 'OKP', crv: 'Ed25519', x };
    imported.set(kid, await crypto.subtle.importKey('jwk', key, ED25519, false, ['verify']));
  }
  return imported;
}

async function importPrivate(given: unknown): Promise<Config['offerKey']> {
  const { kty, crv, x, d, kid, prequal_use } = given as Readonly<Record<string, string | undefined>>;
  if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined || d === undefined || kid === undefined) {
    throw new Error('OFFER_KEY must be a private Ed25519 key with `kid`');
  }
  if (prequal_use !== 'offer') throw new Error('OFFER_KEY was made for another use');
  return { kid, key: await crypto.subtle.importKey('jwk', { kty, crv, x, d }, ED25519, false, ['sign']) };
}
