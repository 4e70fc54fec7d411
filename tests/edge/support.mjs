// What the worker's tests stand on: the signed bundles and keys that the `prequal` program made, the worker as it
// would be deployed in real workerd, and two small HTTP services in the places of the lender's server and the bureau,
// which record what the worker sends them. The purchase through the real server is tests/browser's and the demo's.
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '../..');
const demo = process.env.PREQUAL_DEMO ?? join(root, 'target/demo');

export const EDGE_KEY = 'ek_of-these-tests';
export const BUREAU_KEY = 'bk_of-these-tests';
export const SHOP = 'https://shop.example';

const text = (name) => readFileSync(join(demo, name), 'utf8');
export const jwk = (name) => JSON.parse(text(`keys/${name}.jwk`));
export const bundles = { full: text('bundle.full.json'), public: text('bundle.public.json') };
export const payload = (part) =>
  JSON.parse(Buffer.from(JSON.parse(bundles[part]).payload, 'base64url').toString());

/** The npm package as it is installed for the worker and the shop. */
export const prequal = await import(pathToFileURL(join(root, 'www/node_modules/prequal/node.js')));
const { startWorker } = await import(pathToFileURL(join(root, 'www/edge/workerd.mjs')));
const { build } = await import(pathToFileURL(join(root, 'www/edge/build.mjs')));
const built = build();

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A checkout token as the server signs it; `header` and `key` are for forgeries. */
export function checkoutToken(claims = {}, { header = {}, key = jwk('checkout.private') } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const all = {
    iss: 'demo-lender',
    aud: 'prequal-edge',
    jti: 'checkout-1',
    merchant: 'shop',
    merchant_name: 'The Demo Shop',
    order: 'A-1',
    amount: 129_900,
    currency: 'USD',
    cart_hash: 'ab'.repeat(32),
    iat: now,
    exp: now + 900,
    ...claims,
  };
  const input = `${encode({ alg: 'EdDSA', typ: 'prequal-checkout+jwt', kid: key.kid, ...header })}.${encode(all)}`;
  const signature = sign(null, Buffer.from(input), createPrivateKey({ key, format: 'jwk' }));
  return `${input}.${signature.toString('base64url')}`;
}

/** The header and claims of an offer, its signature checked by another implementation than the worker's. */
export function openOffer(jws) {
  const [header, claims, signature] = jws.split('.');
  const key = createPublicKey({ key: jwk('offer.public'), format: 'jwk' });
  if (!verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))) {
    throw new Error('the offer is not signed by the offer key');
  }
  const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: decode(header), claims: decode(claims) };
}

const ANSWERS = {
  person_name: 'Ada Byron',
  date: '1990-02-28',
  email: 'ada@example.com',
  phone: '+12125550123',
  money: 420_000,
  text: 'none',
  consent: true,
};

/** Every field of the bundle's form, filled in well. */
export function answers() {
  const fields = payload('full').form.steps.flatMap((step) => step.fields);
  return Object.fromEntries(
    fields.map((field) => [field.id, field.choices?.[0]?.value ?? ANSWERS[field.type]]),
  );
}

export const consents = () =>
  ['processing', 'credit_report'].map((purpose) => ({
    purpose,
    text_hash: 'cd'.repeat(32),
    given_at: '2026-11-23T08:00:00Z',
  }));

export const application = (more = {}) => ({
  checkout_token: checkoutToken(),
  fields: answers(),
  consents: consents(),
  ...more,
});

/** Rows of the German credit data as a bureau would report them. */
const [columns, ...rows] = readFileSync(join(root, 'tests/data/german_credit.csv'), 'utf8')
  .trim()
  .split('\n')
  .map((line) =>
    [...line.matchAll(/("([^"]*)"|[^,]*)(,|$)/g)].slice(0, 20).map((cell) => cell[2] ?? cell[1]),
  );

export function report(row, features) {
  const evidence = {};
  for (const feature of features) {
    const at = columns.indexOf(feature);
    const value = at < 0 ? undefined : rows[row][at];
    if (feature === 'monthly_income')
      evidence[feature] = { value: 600_000, assurance: 'third_party', source: 'x' };
    else if (value === undefined || value === '') evidence[feature] = { missing: 'no_record', source: 'x' };
    else
      evidence[feature] = {
        value: /^\d+$/.test(value) ? Number(value) : value,
        assurance: 'own',
        source: 'x',
      };
  }
  return { evidence };
}

/** A service that records what it is sent; `answer(request)` gives `[status, body]` or a promise of it. */
export async function service(answer) {
  const requests = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString();
      const seen = {
        path: request.url,
        headers: request.headers,
        body: body === '' ? undefined : JSON.parse(body),
      };
      requests.push(seen);
      const [status, value] = await answer(seen);
      response.writeHead(status, {
        'content-type': status < 400 ? 'application/json' : 'application/problem+json',
      });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url, requests, stop };
}

/** The worker in workerd with its neighbours; `using` stops all of them. */
export async function startEdge({ server, bureau, envelopes = bundles, variables = {} } = {}) {
  const recorded = () => [
    201,
    { application_id: 'application-1', capability: 'cap_1', decision_id: 'decision-1' },
  ];
  const lender = await service(server ?? recorded);
  const reports = await service(bureau ?? (({ body }) => [200, report(goodRow, body.features)]));
  const lines = [];
  const worker = await startWorker({
    folder: built,
    bundles: envelopes,
    onLog: (chunk) => lines.push(chunk),
    bindings: {
      EDGE_ID: 'edge',
      LENDER_ID: 'demo-lender',
      SERVER_URL: lender.url,
      BUREAU_URL: `${reports.url}/bureau/v1/reports`,
      BUREAU_ID: 'sandbox-bureau',
      BUREAU_DEADLINE_MS: '400',
      ALLOWED_ORIGINS: SHOP,
      BUNDLE_KEYS: JSON.stringify([jwk('bundle.public')]),
      CHECKOUT_KEYS: JSON.stringify([jwk('checkout.public')]),
      OFFER_KEY: JSON.stringify(jwk('offer.private')),
      EDGE_KEY,
      BUREAU_KEY,
      ...variables,
    },
  });
  const post = (path, body, headers = {}) =>
    fetch(`${worker.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof ReadableStream ? body : JSON.stringify(body),
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    });
  /** The log once it holds `pattern`: it arrives through a pipe, after the answer. */
  const logged = async (pattern) => {
    for (let waited = 0; waited < 5_000 && !pattern.test(lines.join('')); waited += 20) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return lines.join('');
  };
  const stop = () => Promise.all([worker.stop(), lender.stop(), reports.stop()]);
  return { url: worker.url, post, lender, bureau: reports, logged, [Symbol.asyncDispose]: stop };
}

/** A row of the data to whom the demo's policy makes offers: found by deciding, not by looking at the policy. */
export const goodRow = await findRow('eligible');
export const badRow = await findRow('declined');

async function findRow(outcome) {
  await prequal.init();
  const bundle = await prequal.loadBundle(bundles.full, { keys: [jwk('bundle.public')] });
  const now = new Date();
  for (let row = 0; row < rows.length; row += 1) {
    const { evidence } = report(row, bundle.evidenceKeys);
    const decision = prequal.decide(bundle, {
      application: { order: { amount: 129_900, currency: 'USD' }, fields: answers() },
      evidence,
      salt: '00'.repeat(32),
      as_of: `${now.toISOString().slice(0, 19)}Z`,
      today: bundle.today(now),
    });
    if (decision.outcome === outcome) return row;
  }
  throw new Error(`no row of the data is ${outcome}`);
}
