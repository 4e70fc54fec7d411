#!/usr/bin/env node
/**
 * The demo shop: serves the built pages, and is the merchant's backend. It has no dependencies.
 *
 * Environment:
 *   HOST, PORT      where to listen (127.0.0.1, 3000; PORT=0 takes a free one)
 *   SERVER_URL      the lender's server, as this process and the browser reach it (http://127.0.0.1:8080)
 *   EDGE_URL        the edge worker, as the browser reaches it (http://127.0.0.1:8787)
 *   MERCHANT_KEY    the merchant's key (mk_…); never leaves this process
 *   BUNDLE_URL      the signed public bundle (EDGE_URL/v1/bundle/public)
 *   BUNDLE_KEYS     files with the public keys (JWK) that may sign bundles, separated by commas
 *   DIST            the built pages (dist beside this file)
 *   DEMO=1          turns on the demo controls, which are no part of the product
 *   LENDER_KEY      the lender's key (lk_…), only for the demo controls: they move the sandbox clock
 *                   and show the sandbox's messages
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const env = process.env;
const DIST = resolve(env.DIST ?? join(HERE, 'dist'));
const HOST = env.HOST ?? '127.0.0.1';
const PORT = Number(env.PORT ?? '3000');
const SERVER_URL = trim(env.SERVER_URL ?? 'http://127.0.0.1:8080');
const EDGE_URL = trim(env.EDGE_URL ?? 'http://127.0.0.1:8787');
const BUNDLE_URL = env.BUNDLE_URL ?? `${EDGE_URL}/v1/bundle/public`;
const MERCHANT_KEY = env.MERCHANT_KEY ?? '';
const LENDER_KEY = env.LENDER_KEY ?? '';
const DEMO = env.DEMO === '1';

/** Longest request body that is read. */
const BODY_BYTES_MAX = 16 * 1024;
/** Most lines in a cart, and most pieces in a line. */
const LINES_MAX = 20;
const QUANTITY_MAX = 9;
/** How long the lender's server may take to answer. */
const UPSTREAM_MS_MAX = 20_000;

const CATALOGUE = JSON.parse(readFileSync(join(HERE, 'src', 'catalogue.json'), 'utf8'));
const PRODUCTS = new Map(CATALOGUE.products.map((product) => [product.sku, product]));
const KEYS = (env.BUNDLE_KEYS ?? '')
  .split(',')
  .filter((file) => file !== '')
  .map((file) => JSON.parse(readFileSync(file, 'utf8')));

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
};

const CONNECT = [...new Set([SERVER_URL, EDGE_URL, BUNDLE_URL].map((url) => new URL(url).origin))].join(' ');
const CSP = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  `connect-src 'self' ${CONNECT}`,
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CSP,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    if (error instanceof Refusal) return problem(response, error.status, error.slug, error.message);
    console.error(`${request.method} ${request.url}: ${error?.message ?? error}`);
    return problem(response, 502, 'lender-unreachable', 'the lender could not be reached');
  });
});

server.listen(PORT, HOST, () => console.log(`listening on http://${HOST}:${server.address().port}`));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}

async function handle(request, response) {
  const url = new URL(request.url ?? '/', 'http://shop.invalid');
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /healthz') return json(response, 200, { status: 'ok' });
  if (route === 'GET /config.json') return json(response, 200, config());
  if (route === 'POST /api/checkout') return json(response, 201, await makeCheckout(await body(request)));
  const cart = /^PUT \/api\/checkout\/([\w-]{1,64})$/u.exec(route);
  if (cart !== null) return json(response, 200, await changeCart(cart[1], await body(request)));
  const order = /^GET \/api\/order\/([\w-]{1,64})$/u.exec(route);
  if (order !== null) return json(response, 200, await orderStatus(order[1]));
  if (DEMO && route === 'POST /demo/return') return json(response, 201, await takeBack(await body(request)));
  if (DEMO && route === 'GET /demo/clock') return json(response, 200, await clock('GET'));
  if (DEMO && route === 'PUT /demo/clock')
    return json(response, 200, await clock('PUT', await body(request)));
  const inbox = /^GET \/demo\/inbox\/([\w-]{1,64})$/u.exec(route);
  if (DEMO && inbox !== null) return json(response, 200, await messages(inbox[1]));
  if (request.method === 'GET' || request.method === 'HEAD') return file(url.pathname, request, response);
  throw new Refusal(404, 'not-found', 'there is nothing here');
}

/** What the pages need to know; nothing here is secret. */
function config() {
  return { endpoint: SERVER_URL, edge: EDGE_URL, bundle_url: BUNDLE_URL, bundle_keys: KEYS, demo: DEMO };
}

/** The shop's own prices, whatever the browser believes. */
function priced(given) {
  const lines = given?.items;
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > LINES_MAX) {
    throw new Refusal(422, 'cart-invalid', `a cart holds 1 to ${LINES_MAX} items`);
  }
  const cart = lines.map(({ sku, quantity }) => {
    const product = PRODUCTS.get(sku);
    if (product === undefined) throw new Refusal(422, 'cart-invalid', 'an item in the cart is not sold here');
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > QUANTITY_MAX) {
      throw new Refusal(422, 'cart-invalid', `a quantity is 1 to ${QUANTITY_MAX}`);
    }
    return { sku, name: product.name, quantity, unit_amount: product.amount };
  });
  const amount = cart.reduce((sum, line) => sum + line.quantity * line.unit_amount, 0);
  return { amount, currency: CATALOGUE.currency, cart };
}

async function makeCheckout(given) {
  const order = `A-${randomUUID().slice(0, 8).toUpperCase()}`;
  const checkout = await merchant('POST', '/v1/checkouts', { merchant_order: order, ...priced(given) });
  return { ...checkout, merchant_order: order };
}

async function changeCart(id, given) {
  // The currency of a checkout stays what it was.
  const { amount, cart } = priced(given);
  return merchant('PUT', `/v1/checkouts/${id}/cart`, { amount, cart });
}

/** Only what the buyer may know: whether the order is paid, not what the merchant pays for it. */
async function orderStatus(id) {
  const order = await merchant('GET', `/v1/orders/${id}`);
  return { status: String(order.payout?.status ?? order.status) };
}

/**
 * A part of the goods came back: the shop gives its price back to the lender, who takes it from the debt. The
 * reference is the order's and the part's, so that a second press gives nothing back twice.
 */
async function takeBack(given) {
  const { order, part } = given ?? {};
  if (typeof order !== 'string' || !/^[\w-]{1,64}$/u.test(order) || part !== 'half')
    throw new Refusal(422, 'return-invalid', 'name the order, and `half` as the part that comes back');
  const { amount } = await merchant('GET', `/v1/orders/${order}`);
  const back = Math.floor(amount / 2);
  await merchant('POST', '/v1/refunds', { order, amount: back, reference: `${order}-${part}` });
  return { amount: back };
}

function merchant(method, path, content) {
  return upstream(method, path, MERCHANT_KEY, content);
}

function clock(method, content) {
  return upstream(method, '/v1/sandbox/clock', LENDER_KEY, content);
}

/** What the buyer would find in their inbox, the newest first: only what really went out. */
async function messages(application) {
  const found = await upstream('GET', `/v1/sandbox/messages?application=${application}`, LENDER_KEY);
  const sent = found.messages.filter((message) => message.sent !== null);
  return { messages: sent.map(({ id, kind, to, subject, text }) => ({ id, kind, to, subject, text })) };
}

async function upstream(method, path, key, content) {
  const answer = await fetch(SERVER_URL + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'idempotency-key': randomUUID(),
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: content === undefined ? undefined : JSON.stringify(content),
    signal: AbortSignal.timeout(UPSTREAM_MS_MAX),
  });
  const text = await answer.text();
  const value = text === '' ? {} : JSON.parse(text);
  if (answer.ok) return value;
  console.error(`lender: ${method} ${path} answered ${answer.status}: ${value.detail ?? text.slice(0, 200)}`);
  throw new Refusal(
    answer.status === 409 || answer.status === 404 ? answer.status : 502,
    slug(value),
    value.detail ?? 'the lender refused',
  );
}

function slug(value) {
  const type = typeof value.type === 'string' ? value.type : '';
  return type.startsWith('urn:prequal:problem:')
    ? type.slice('urn:prequal:problem:'.length)
    : 'lender-refused';
}

async function file(path, request, response) {
  const name = path === '/' ? 'index.html' : path.endsWith('/') ? `${path}index.html` : path;
  let full = normalize(join(DIST, decodeURIComponent(name)));
  if (!full.startsWith(DIST + sep)) throw new Refusal(404, 'not-found', 'there is nothing here');
  if (extname(full) === '') full += '.html';
  const found = await stat(full).catch(() => undefined);
  if (found === undefined || !found.isFile()) throw new Refusal(404, 'not-found', 'there is nothing here');
  const content = await readFile(full);
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  // Built assets carry their hash in the name; pages must be asked for again.
  const cache = full.startsWith(join(DIST, 'assets') + sep)
    ? 'public, max-age=31536000, immutable'
    : 'no-cache';
  const headers = { ...HEADERS, etag, 'cache-control': cache };
  if (request.headers['if-none-match'] === etag) return response.writeHead(304, headers).end();
  response.writeHead(200, {
    ...headers,
    'content-type': TYPES[extname(full)] ?? 'application/octet-stream',
    'content-length': content.length,
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}

async function body(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX)
      throw new Refusal(413, 'body-too-large', `a body is at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'body-invalid', 'the body is not JSON');
  }
}

function json(response, status, value) {
  response.writeHead(status, { ...HEADERS, 'content-type': TYPES['.json'], 'cache-control': 'no-store' });
  response.end(JSON.stringify(value));
}

function problem(response, status, name, detail) {
  if (response.headersSent) return response.end();
  response.writeHead(status, {
    ...HEADERS,
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  });
  response.end(JSON.stringify({ type: `urn:prequal:problem:${name}`, title: detail, status, detail }));
}

function trim(url) {
  return url.replace(/\/+$/u, '');
}

class Refusal extends Error {
  constructor(status, name, message) {
    super(message);
    this.status = status;
    this.slug = name;
  }
}
