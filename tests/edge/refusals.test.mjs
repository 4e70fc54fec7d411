import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  answers,
  application,
  bundles,
  checkoutToken,
  consents,
  jwk,
  payload,
  SHOP,
  startEdge,
} from './support.mjs';

let edge;
before(async () => {
  edge = await startEdge();
});
after(() => edge[Symbol.asyncDispose]());

async function refused(path, body, status, slug, headers) {
  const response = await edge.post(path, body, headers);
  const problem = await response.json();
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(problem.type, `urn:prequal:problem:${slug}`, JSON.stringify(problem));
  assert.equal(response.status, status);
  assert.equal(problem.status, status);
  return problem;
}

/** RFC 8725, sections 2 and 3: what forgers try. */
test('a checkout token that does not hold gets no offer, and nobody hears of it', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const stranger = { ...privateKey.export({ format: 'jwk' }), kid: jwk('checkout.public').kid };
  const [head, claims, signature] = checkoutToken().split('.');
  const cheaper = JSON.parse(Buffer.from(claims, 'base64url').toString());
  cheaper.amount = 100;
  const altered = Buffer.from(JSON.stringify(cheaper)).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'prequal-checkout+jwt' })).toString(
    'base64url',
  );
  const { d: _, ...publicHalf } = stranger;
  const tokens = {
    'another key under the same kid': checkoutToken({}, { key: stranger }),
    'an unknown kid': checkoutToken({}, { header: { kid: 'someone-else' } }),
    'a key of its own': checkoutToken({}, { key: stranger, header: { jwk: publicHalf } }),
    'the key of the offers': checkoutToken({}, { key: jwk('offer.private') }),
    'algorithm none, no signature': `${none}.${claims}.`,
    'algorithm none, with a signature': checkoutToken({}, { header: { alg: 'none' } }),
    'algorithm HS256': checkoutToken({}, { header: { alg: 'HS256' } }),
    'an offer as a token': checkoutToken({}, { header: { typ: 'prequal-offer+jwt' } }),
    'no type': checkoutToken({}, { header: { typ: undefined } }),
    'an altered amount': `${head}.${altered}.${signature}`,
    'for somebody else': checkoutToken({ aud: 'another-edge' }),
    'from another lender': checkoutToken({ iss: 'another-lender' }),
    'without an end': checkoutToken({ exp: undefined }),
    'a fraction of a cent': checkoutToken({ amount: 1.5 }),
    'a negative amount': checkoutToken({ amount: -1 }),
    'two parts': `${head}.${claims}`,
    'four parts': `${checkoutToken()}.x`,
    'no token at all': 'x',
    empty: '',
  };
  for (const [name, checkout_token] of Object.entries(tokens)) {
    await assert.doesNotReject(
      refused('/v1/offers', application({ checkout_token }), 422, 'checkout-token'),
      name,
    );
  }
  assert.equal(edge.lender.requests.length, 0);
  assert.equal(edge.bureau.requests.length, 0);
});

test('a checkout past its time is refused by name', async () => {
  const now = Math.floor(Date.now() / 1000);
  await refused(
    '/v1/offers',
    application({ checkout_token: checkoutToken({ exp: now - 1 }) }),
    410,
    'checkout-expired',
  );
});

test('another currency than the bundle lends in is refused', async () => {
  const checkout_token = checkoutToken({ currency: 'EUR' });
  await refused('/v1/offers', application({ checkout_token }), 422, 'invalid-body');
  assert.equal(edge.lender.requests.length, 0);
});

test('nobody is asked about a person who has not agreed to it', async () => {
  const before = edge.bureau.requests.length;
  await refused('/v1/offers', application({ consents: [] }), 422, 'consent-missing');
  await refused('/v1/offers', application({ consents: consents().slice(0, 1) }), 422, 'consent-missing');
  assert.equal(edge.bureau.requests.length, before, 'the bureau heard nothing');
  assert.equal(edge.lender.requests.length, 0);
});

test('members that nobody asked for and wrong types are refused with their place', async () => {
  const pointer = async (body) => (await refused('/v1/offers', body, 422, 'invalid-body')).pointer;
  assert.equal(await pointer({ ...application(), evidence: {} }), '/evidence');
  assert.equal(await pointer({ ...application(), 'a/b~c': 1 }), '/a~1b~0c');
  assert.equal(await pointer([]), '');
  assert.equal(await pointer(null), '');
  assert.equal(await pointer({ ...application(), checkout_token: 1 }), '/checkout_token');
  assert.equal(await pointer({ ...application(), consents: {} }), '/consents');
  assert.equal(
    await pointer({ ...application(), consents: [{ ...consents()[0], more: 1 }] }),
    '/consents/0/more',
  );
  assert.equal(await pointer({ ...application(), fields: { full_name: { first: 'Ada' } } }), '/fields');
  assert.equal(await pointer({ ...application(), fields: { full_name: 1.5 } }), '/fields');
  assert.match(
    (
      await refused(
        '/v1/offers',
        application({ fields: { ...answers(), shoe_size: 41 } }),
        422,
        'invalid-body',
      )
    ).detail,
    /`shoe_size`/,
  );
  await refused('/v1/quote', { amount: 1e300, currency: 'USD' }, 422, 'invalid-body');
  await refused('/v1/quote', { amount: -1, currency: 'USD' }, 422, 'invalid-body');
  await refused('/v1/quote', { amount: 1, currency: 'USDOLLAR' }, 422, 'invalid-body');
  await refused('/v1/prequalify', { order: {}, fields: {}, salt: '00' }, 422, 'invalid-body');
});

test('a body of 10 MB is refused, whether or not it says how long it is', async () => {
  const long = 'x'.repeat(10 * 1024 * 1024);
  await refused('/v1/offers', JSON.stringify({ checkout_token: long }), 413, 'body-too-large');
  const chunk = new TextEncoder().encode(long.slice(0, 64 * 1024));
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent > 160) controller.close();
      else controller.enqueue(chunk);
    },
  });
  await refused('/v1/offers', endless, 413, 'body-too-large');
});

test('what is not JSON, not here, or not offered is refused by name', async () => {
  await refused('/v1/offers', '{"checkout_token":', 400, 'malformed-json');
  await refused('/v1/offers', '\ufeff'.repeat(2), 400, 'malformed-json');
  await refused('/v1/offers', '{}', 415, 'unsupported-media-type', { 'content-type': 'text/plain' });
  await refused('/v1/loans', {}, 404, 'not-found');
  await refused('/constructor', {}, 404, 'not-found');
  await refused('/v1/bundle/public', {}, 405, 'method-not-allowed');
});

test('only pages of the configured merchants may read an answer', async () => {
  const order = { amount: 129_900, currency: 'USD' };
  const ours = await edge.post('/v1/quote', order, { origin: SHOP });
  assert.equal(ours.headers.get('access-control-allow-origin'), SHOP);
  const theirs = await edge.post('/v1/quote', order, { origin: 'https://elsewhere.example' });
  assert.equal(theirs.headers.get('access-control-allow-origin'), null);
  const asked = await fetch(`${edge.url}/v1/offers`, { method: 'OPTIONS', headers: { origin: SHOP } });
  assert.equal(asked.status, 204);
  assert.match(asked.headers.get('access-control-allow-methods'), /POST/);
  assert.match(asked.headers.get('access-control-allow-headers'), /content-type/);
});

test('a bundle with one bit changed, unsigned, of another key or of the wrong part decides nothing', async () => {
  const envelope = JSON.parse(bundles.full);
  const bytes = Buffer.from(envelope.payload, 'base64url');
  bytes[bytes.length >> 1] ^= 1;
  const { kid: _, signature: __, ...unsigned } = envelope;
  const cases = {
    'one bit of the payload': { ...envelope, payload: bytes.toString('base64url') },
    'one bit of the signature': { ...envelope, signature: flipped(envelope.signature) },
    unsigned,
    'an unknown key': { ...envelope, kid: 'someone-else' },
    'the public part': JSON.parse(bundles.public),
  };
  for (const [name, full] of Object.entries(cases)) {
    await using other = await startEdge({ envelopes: { ...bundles, full: JSON.stringify(full) } });
    const response = await other.post('/v1/offers', application());
    assert.equal(response.status, 503, name);
    assert.equal((await response.json()).type, 'urn:prequal:problem:bundle-unavailable', name);
    assert.equal(other.lender.requests.length, 0, name);
  }
  await using shown = await startEdge({ envelopes: { ...bundles, public: bundles.full } });
  assert.equal((await fetch(`${shown.url}/v1/bundle/public`)).status, 503, 'the full part is never shown');
});

test('a deployment with a wrong key or none does not start deciding', async () => {
  for (const variables of [
    { OFFER_KEY: JSON.stringify(jwk('checkout.private')) },
    { CHECKOUT_KEYS: JSON.stringify([jwk('bundle.public')]) },
    { BUNDLE_KEYS: JSON.stringify([jwk('bundle.private')]) },
    { BUNDLE_KEYS: '[]' },
    { SERVER_URL: 'not a url' },
    { BUREAU_KEY: '' },
  ]) {
    await using other = await startEdge({ variables });
    const response = await other.post('/v1/offers', application());
    assert.equal(response.status, 500);
    assert.equal((await response.json()).type, 'urn:prequal:problem:internal');
  }
});

test('these tests use the full bundle', () => assert.equal(payload('full').part, 'full'));

function flipped(base64url) {
  const bytes = Buffer.from(base64url, 'base64url');
  bytes[0] ^= 1;
  return bytes.toString('base64url');
}
