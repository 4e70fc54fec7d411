/**
 * The lender's edge worker: the public bundle, answers for pages without WebAssembly, and signed offers.
 *
 * Stateless. It proxies nothing: the browser talks to the lender's server itself, with the capability it gets here.
 */
import { type Bundle, initSync, PrequalError } from 'prequal';
import { type Members, readObject } from './body.js';
import { bundle, type Part } from './bundles.js';
import { type Now, readClock } from './clock.js';
import { type Config, type Env, readConfig } from './config.js';
import { log } from './log.js';
import { journeyAnswer, prequalifyAnswer, quoteAnswer, validateAnswer } from './messages.js';
import { offersAnswer } from './offers.js';
import { Problem, problem } from './problem.js';

interface Call {
  readonly request: Request;
  readonly url: URL;
  readonly env: Env;
  readonly config: Config;
}

type Route = Readonly<Record<string, (call: Call) => Promise<Response>>>;

const ROUTES: Readonly<Record<string, Route>> = {
  '/healthz': { GET: health },
  '/v1/bundle/public': { GET: publicBundle },
  '/v1/form': { GET: form },
  '/v1/quote': { POST: answering('public', quoteAnswer) },
  '/v1/validate': { POST: answering('public', validateAnswer) },
  '/v1/prequalify': { POST: answering('public', prequalifyAnswer) },
  '/v1/journey': { POST: answering('public', journeyAnswer) },
  '/v1/offers': { POST: answering('full', offersAnswer) },
};

let configured: Config | undefined;

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      initSync();
      configured ??= await readConfig(env);
    } catch (error) {
      log('misconfigured', { why: error instanceof Error ? error.message : 'unknown' });
      return problem('internal').response();
    }
    const response = await answer(request, env, configured);
    return withCors(response, request, configured);
  },
};

async function answer(request: Request, env: Env, config: Config): Promise<Response> {
  const url = new URL(request.url);
  try {
    const route = Object.hasOwn(ROUTES, url.pathname) ? ROUTES[url.pathname] : undefined;
    if (route === undefined) throw problem('not-found');
    const methods = ['OPTIONS', ...Object.keys(route)].join(', ');
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: methods } });
    const handle = Object.hasOwn(route, request.method) ? route[request.method] : undefined;
    if (handle === undefined) throw problem('method-not-allowed', { detail: `allowed: ${methods}` });
    return await handle({ request, url, env, config });
  } catch (error) {
    if (error instanceof Problem) return error.response();
    // The core's message repeats what the caller sent, and goes to the caller only.
    if (error instanceof PrequalError) return problem('invalid-body', { detail: error.message }).response();
    log('failed', { path: url.pathname, error: error instanceof Error ? error.name : 'unknown' });
    return problem('internal').response();
  }
}

type Answer = (opened: Bundle, body: Members, now: Now, config: Config) => unknown;

function answering(part: Part, compute: Answer): (call: Call) => Promise<Response> {
  return async ({ request, env, config }) => {
    const body = await readObject(request);
    const { bundle: opened } = await bundle(part, env, config);
    const now = await readClock(config);
    return json(await compute(opened, body, now, config));
  };
}

async function health({ env, config }: Call): Promise<Response> {
  const [full, open] = await Promise.all([bundle('full', env, config), bundle('public', env, config)]);
  return json({ status: 'ok', bundle: full.bundle.hash, public_bundle: open.bundle.hash });
}

async function publicBundle({ request, env, config }: Call): Promise<Response> {
  const { bundle: opened, envelope } = await bundle('public', env, config);
  const etag = `"${opened.hash}"`;
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'public, max-age=60',
    etag,
    'access-control-allow-origin': '*',
  };
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers });
  return new Response(envelope, { headers });
}

async function form({ url, env, config }: Call): Promise<Response> {
  const { bundle: opened } = await bundle('public', env, config);
  return json(opened.form(url.searchParams.get('locale') ?? undefined));
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

/** Only pages of the configured merchants may read answers. */
function withCors(response: Response, request: Request, config: Config): Response {
  const origin = request.headers.get('origin');
  const headers = response.headers;
  headers.append('vary', 'origin');
  headers.set('x-content-type-options', 'nosniff');
  if (origin === null || !config.allowedOrigins.has(origin)) return response;
  if (!headers.has('access-control-allow-origin')) headers.set('access-control-allow-origin', origin);
  if (request.method === 'OPTIONS') {
    headers.set('access-control-allow-methods', headers.get('allow') ?? '');
    headers.set('access-control-allow-headers', 'content-type, idempotency-key');
    headers.set('access-control-max-age', '600');
  }
  return response;
}
