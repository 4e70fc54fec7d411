/** Compact JWS (RFC 7515) with the one algorithm EdDSA, and with keys from the configuration only. */

/** The longest token that is read. */
const TOKEN_LENGTH_MAX = 16 * 1024;
const HEADER_MEMBERS = ['alg', 'typ', 'kid'] as const;

/** Why a token is not believed; the message names no claim's value. */
export class TokenError extends Error {}

/** @throws {TokenError} */
export async function verify(
  token: string,
  typ: string,
  keys: ReadonlyMap<string, CryptoKey>,
): Promise<Readonly<Record<string, unknown>>> {
  if (token.length > TOKEN_LENGTH_MAX) throw new TokenError(`the token is longer than ${TOKEN_LENGTH_MAX}`);
  const [header, payload, signature, ...more] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
    throw new TokenError('the token does not have three parts');
  }
  const { alg, typ: given, kid, ...others } = object(header);
  if (alg !== 'EdDSA') throw new TokenError('`alg` is not `EdDSA`');
  if (given !== typ) throw new TokenError(`\`typ\` is not \`${typ}\``);
  if (Object.keys(others).length > 0)
    throw new TokenError(`the header holds other than ${HEADER_MEMBERS.join(', ')}`);
  const key = typeof kid === 'string' ? keys.get(kid) : undefined;
  if (key === undefined) throw new TokenError('`kid` names no configured key');
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  if (!(await crypto.subtle.verify({ name: 'Ed25519' }, key, bytes(signature), signed))) {
    throw new TokenError('the signature does not match');
  }
  return object(payload);
}

/** Signs `claims` as a compact JWS. */
export async function sign(key: CryptoKey, kid: string, typ: string, claims: object): Promise<string> {
  const input = `${encode({ alg: 'EdDSA', typ, kid })}.${encode(claims)}`;
  const signature = await crypto.subtle.sign({ name: 'Ed25519' }, key, new TextEncoder().encode(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

function encode(value: object): string {
  return base64url(new TextEncoder().encode(JSON.stringify(value)));
}

function base64url(raw: Uint8Array): string {
  let binary = '';
  for (const byte of raw) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1)
    throw new TokenError('the token is not base64url');
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function object(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes(part)));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch (error) {
    if (error instanceof TokenError) throw error;
  }
  throw new TokenError('the token is not JSON');
}
