/** What the checkout token says, read for display only: whoever relies on it verifies its signature. */
export interface Claims {
  readonly checkout: string;
  readonly merchant: string;
  readonly order: string;
  readonly amount: number;
  readonly currency: string;
  readonly cart_hash: string;
  /** End of validity in seconds since 1970. */
  readonly expires: number;
}

/** The claims of a compact JWS; `undefined` when the text is not one. */
export function readClaims(token: string): Claims | undefined {
  const [, payload] = token.split('.');
  if (payload === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (each) =>
      each.charCodeAt(0),
    );
    const claims: Record<string, unknown> = JSON.parse(new TextDecoder().decode(bytes));
    const { jti, merchant_name, merchant, order, amount, currency, cart_hash, exp } = claims;
    if (typeof jti !== 'string' || typeof amount !== 'number' || typeof currency !== 'string')
      return undefined;
    return {
      checkout: jti,
      merchant: String(merchant_name ?? merchant ?? ''),
      order: String(order ?? ''),
      amount,
      currency,
      cart_hash: String(cart_hash ?? ''),
      expires: typeof exp === 'number' ? exp : Number.POSITIVE_INFINITY,
    };
  } catch {
    return undefined;
  }
}
