/** Requests that end: with a value, a problem document, or a named failure. */
import { NetworkError, ProblemError } from './errors.js';

/** The longest answer that is read. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const ATTEMPTS_MAX = 3;
const PAUSE_MS = 250;
const PAUSE_MS_MAX = 5_000;
/** Answers after which the same request may succeed. */
const RETRY_STATUS = new Set([429, 502, 503, 504]);

export interface HttpOptions {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: unknown;
  readonly capability?: string | undefined;
  /** Its presence says that the other side answers a repetition with the first answer: only then is it repeated. */
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @throws {ProblemError} when the other side refused
 * @throws {NetworkError} when no answer came
 */
export async function send<T>(options: HttpOptions, request: HttpRequest): Promise<T> {
  const repeatable = request.method === 'GET' || request.idempotencyKey !== undefined;
  for (let attempt = 1; ; attempt += 1) {
    const last = !repeatable || attempt === ATTEMPTS_MAX;
    try {
      return await once<T>(options, request);
    } catch (error) {
      if (last || !mayPass(error)) throw error;
      await pause(waitMs(error, attempt), request.signal);
    }
  }
}

async function once<T>(options: HttpOptions, request: HttpRequest): Promise<T> {
  const late = AbortSignal.timeout(options.timeoutMs);
  const signal = request.signal === undefined ? late : AbortSignal.any([request.signal, late]);
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (request.capability !== undefined) headers['authorization'] = `Bearer ${request.capability}`;
  if (request.idempotencyKey !== undefined) headers['idempotency-key'] = request.idempotencyKey;
  try {
    const response = await options.fetch(request.url, {
      method: request.method,
      headers,
      signal,
      credentials: 'omit',
      cache: 'no-store',
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    return await read<T>(response);
  } catch (cause) {
    if (cause instanceof ProblemError) throw cause;
    if (request.signal?.aborted) throw new NetworkError('aborted', 'the request was given up', { cause });
    if (late.aborted)
      throw new NetworkError('timeout', `no answer within ${options.timeoutMs} ms`, { cause });
    throw new NetworkError('network', 'the request got no answer', { cause });
  }
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  if (text.length > ANSWER_BYTES_MAX) throw new TypeError('the answer is too long');
  if (response.ok) return JSON.parse(text) as T;
  throw new ProblemError(response.status, problem(response, text));
}

function problem(response: Response, text: string): Record<string, unknown> {
  const retryAfter = response.headers.get('retry-after');
  const more = retryAfter === null ? {} : { retry_after: retryAfter };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value, ...more };
  } catch {
    // Something between us and the other side answered in its own words.
  }
  return { type: `urn:prequal:problem:status-${response.status}`, title: response.statusText, ...more };
}

function mayPass(error: unknown): boolean {
  if (error instanceof ProblemError) return RETRY_STATUS.has(error.status);
  return error instanceof NetworkError && error.code !== 'aborted';
}

function waitMs(error: unknown, attempt: number): number {
  const asked = error instanceof ProblemError ? Number(error.problem['retry_after']) * 1000 : Number.NaN;
  const wait = Number.isFinite(asked) ? asked : PAUSE_MS * 2 ** (attempt - 1);
  return Math.min(wait, PAUSE_MS_MAX);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(new NetworkError('aborted', 'the request was given up'));
      },
      { once: true },
    );
  });
}
