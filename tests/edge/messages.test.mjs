import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answers, bundles, jwk, prequal, startEdge } from './support.mjs';

// Pages where WebAssembly may not run ask the edge. They get what the wasm computes in Node from the same bundle.

let edge;
let bundle;
before(async () => {
  edge = await startEdge();
  bundle = await prequal.loadBundle(bundles.public, { keys: [jwk('bundle.public')] });
});
after(() => edge[Symbol.asyncDispose]());

const order = { amount: 129_900, currency: 'USD' };
const ask = async (path, body) => (await edge.post(path, body)).json();

test('the public bundle is served as it was signed, to everybody, and cached by its hash', async () => {
  const response = await fetch(`${edge.url}/v1/bundle/public`);
  assert.equal(await response.text(), bundles.public);
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  const etag = response.headers.get('etag');
  assert.equal(etag, `"${bundle.hash}"`);
  const again = await fetch(`${edge.url}/v1/bundle/public`, { headers: { 'if-none-match': etag } });
  assert.equal(again.status, 304);
});

test('quote, form and validation at the edge are those of the page', async () => {
  const today = bundle.today(new Date());
  assert.deepEqual(await ask('/v1/quote', order), prequal.quote(bundle, { ...order, today }));
  assert.deepEqual(await (await fetch(`${edge.url}/v1/form`)).json(), bundle.form());
  const fields = { ...answers(), email: 'nonsense' };
  const expected = prequal.validate(bundle, { order, fields, today });
  assert.equal(expected.ok, false);
  assert.deepEqual(await ask('/v1/validate', { order, fields }), expected);
});

test('an estimate at the edge is that of the page, and says no more than an estimate', async () => {
  const estimate = await ask('/v1/prequalify', { order, fields: answers() });
  const now = new Date();
  const own = prequal.prequalify(bundle, {
    application: { order, fields: answers() },
    evidence: {},
    salt: prequal.salt(),
    as_of: `${now.toISOString().slice(0, 19)}Z`,
    today: bundle.today(now),
  });
  assert.ok(['likely', 'needs', 'continue'].includes(estimate.outcome));
  assert.equal(estimate.outcome, own.outcome);
  assert.deepEqual(estimate.offers, own.offers);
});

test('the journey at the edge is that of the page', async () => {
  const event = { type: 'start', order };
  assert.deepEqual(await ask('/v1/journey', { snapshot: null, event }), prequal.journey(bundle, null, event));
});

test('a client without keys asks the edge and gets the same as one that computes', async () => {
  const near = prequal.createClient({
    endpoint: edge.lender.url,
    edge: edge.url,
    keys: [jwk('bundle.public')],
  });
  const far = prequal.createClient({ endpoint: edge.lender.url, edge: edge.url });
  assert.equal(await near.mode(), 'wasm');
  assert.equal(await far.mode(), 'edge');
  assert.deepEqual(await far.quote(order), await near.quote(order));
  assert.deepEqual(await far.form(), await near.form());
  const fields = { ...answers(), phone: '12' };
  assert.deepEqual(await far.validate({ order, fields }), await near.validate({ order, fields }));
  const estimates = await Promise.all(
    [far, near].map((client) => client.prequalify({ order, fields: answers() })),
  );
  assert.deepEqual(estimates[0].offers, estimates[1].offers);
  await assert.rejects(far.quote({ amount: -1, currency: 'USD' }), {
    name: 'ProblemError',
    code: 'invalid-body',
  });
});

test('health names the bundles in force', async () => {
  const health = await (await fetch(`${edge.url}/healthz`)).json();
  assert.equal(health.status, 'ok');
  assert.equal(health.public_bundle, bundle.hash);
});
