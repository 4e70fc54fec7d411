/** What time it is: the runtime's clock, or in the sandbox the clock that its operator may move. */
import type { Config } from './config.js';

export interface Now {
  readonly date: Date;
  readonly seconds: number;
  /** RFC 3339 in UTC with whole seconds. */
  readonly text: string;
}

export async function readClock(config: Config): Promise<Now> {
  const date = config.sandbox ? await sandboxTime(config) : new Date();
  const seconds = Math.floor(date.getTime() / 1000);
  return { date, seconds, text: `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` };
}

async function sandboxTime(config: Config): Promise<Date> {
  const response = await fetch(`${config.serverUrl}/v1/sandbox/clock`, {
    headers: { authorization: `Bearer ${config.edgeKey}` },
    signal: AbortSignal.timeout(config.serverDeadlineMs),
  });
  const { now } = (await response.json()) as { readonly now?: string };
  const date = new Date(now ?? Number.NaN);
  if (Number.isNaN(date.getTime())) throw new Error('the sandbox does not tell the time');
  return date;
}
