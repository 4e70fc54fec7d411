/** The merchant's checkout, as the lender's server has signed it. Without it there is no offer. */

import { TokenError, verify } from './jws.js';
import { problem } from './problem.js';

const TYPE = 'prequal-checkout+jwt';
const AUDIENCE = 'prequal-edge';
const AMOUNT_MAX = Number.MAX_SAFE_INTEGER;

export interface Checkout {
  readonly id: string;
  readonly merchant: string;
  readonly amount: number;
  readonly currency: string;
  readonly cartHash: string;
}

/** @throws {Problem} `checkout-token` or `checkout-expired` */
export async function readCheckout(
  token: string,
  keys: ReadonlyMap<string, CryptoKey>,
  lenderId: string,
  nowSeconds: number,
): Promise<Checkout> {
  let claims: Readonly<Record<string, unknown>>;
  try {
    claims = await verify(token, TYPE, keys);
  } catch (error) {
    if (error instanceof TokenError) throw problem('checkout-token', { detail: error.message });
    throw error;
  }
  if (claims.aud !== AUDIENCE) throw problem('checkout-token', { detail: '`aud` is not this edge' });
  if (claims.iss !== lenderId)
    throw problem('checkout-token', { detail: '`iss` is not the lender of this edge' });
  const expires = claims.exp;
  if (typeof expires !== 'number') throw problem('checkout-token', { detail: '`exp` is missing' });
  if (expires <= nowSeconds) throw problem('checkout-expired');
  return {
    id: text(claims, 'jti'),
    merchant: text(claims, 'merchant'),
    amount: amount(claims),
    currency: text(claims, 'currency'),
    cartHash: text(claims, 'cart_hash'),
  };
}

function text(claims: Readonly<Record<string, unknown>>, name: string): string {
  const value = claims[name];
  if (typeof value === 'string' && value !== '') return value;
  throw problem('checkout-token', { detail: `\`${name}\` is missing` });
}

function amount(claims: Readonly<Record<string, unknown>>): number {
  const value = claims.amount;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= AMOUNT_MAX) return value;
  throw problem('checkout-token', { detail: '`amount` is not an amount in minor units' });
}
