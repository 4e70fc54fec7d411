/** The order under way, so that a reload goes on with the same one. Ids only. */
const KEY = 'halden-order';

export interface Order {
  readonly checkout: string;
  readonly token: string;
  readonly merchant_order: string;
  /** The cart it was made for, to notice a change made on another page. */
  readonly cart: string;
  readonly account?: string;
}

export function readOrder(): Order | undefined {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return typeof stored === 'object' && stored !== null && 'checkout' in stored
      ? (stored as Order)
      : undefined;
  } catch {
    return undefined;
  }
}

export function writeOrder(order: Order | undefined): void {
  if (order === undefined) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(order));
}
