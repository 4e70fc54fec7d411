import type { Line } from './cart.js';

export interface Checkout {
  readonly id: string;
  readonly token: string;
  readonly amount: number;
  readonly merchant_order?: string;
}

/** A refusal by the shop's backend, in its own words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const value = (await response.json()) as T & { detail?: string };
  if (!response.ok) throw new Refused(response.status, value.detail ?? response.statusText);
  return value;
}

export const makeCheckout = (items: readonly Line[]) => ask<Checkout>('POST', '/api/checkout', { items });
export const changeCart = (id: string, items: readonly Line[]) =>
  ask<Checkout>('PUT', `/api/checkout/${id}`, { items });
export const orderStatus = (id: string) => ask<{ status: string }>('GET', `/api/order/${id}`);
export const readClock = () => ask<{ now: string }>('GET', '/demo/clock');
export const setClock = (now: string) => ask<{ now: string }>('PUT', '/demo/clock', { now });
export const returnHalf = (order: string) =>
  ask<{ amount: number }>('POST', '/demo/return', { order, part: 'half' });

export interface Message {
  readonly id: string;
  readonly kind: string;
  readonly to: string | null;
  readonly subject: string;
  readonly text: string;
}
export const readInbox = (application: string) =>
  ask<{ messages: readonly Message[] }>('GET', `/demo/inbox/${application}`);
