import assert from 'node:assert/strict';
import test from 'node:test';
import {
  answers,
  application,
  BUREAU_KEY,
  badRow,
  bundles,
  EDGE_KEY,
  jwk,
  openOffer,
  prequal,
  report,
  startEdge,
} from './support.mjs';

test('an application gets signed offers, and the server hears of it first', async () => {
  await using edge = await startEdge();
  const response = await edge.post('/v1/offers', application());
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  assert.equal(answer.outcome, 'eligible');
  assert.equal(answer.application_id, 'application-1');
  assert.equal(answer.capability, 'cap_1');
  assert.ok(answer.offers.length > 0);
  assert.ok(!('trace' in answer) && !('input_hash' in answer), 'the trace stays with the lender');

  const [told] = edge.lender.requests;
  assert.equal(edge.lender.requests.length, 1);
  assert.equal(told.path, '/v1/applications');
  assert.equal(told.headers.authorization, `Bearer ${EDGE_KEY}`);
  const [asked] = edge.bureau.requests;
  assert.equal(
    asked.headers.authorization,
    `Bearer ${BUREAU_KEY}`,
    'the bureau never sees the key of the server',
  );
  assert.deepEqual(
    told.body.offers,
    answer.offers.map(({ offer_id, plan, terms_hash }) => ({ offer_id, plan, terms_hash })),
  );

  for (const { offer_id, jws, ...offer } of answer.offers) {
    const { header, claims } = openOffer(jws);
    assert.deepEqual(header, { alg: 'EdDSA', typ: 'prequal-offer+jwt', kid: jwk('offer.public').kid });
    assert.deepEqual(claims.offer, offer);
    assert.equal(claims.jti, offer_id);
    assert.equal(claims.iss, 'edge');
    assert.equal(claims.aud, 'demo-lender');
    assert.equal(claims.checkout, 'checkout-1');
    assert.equal(claims.cart_hash, 'ab'.repeat(32));
    assert.equal(claims.application, 'application-1');
    assert.equal(claims.as_of, told.body.input.as_of);
    assert.equal(claims.bundle_hash, told.body.decision.bundle_hash);
    assert.equal(claims.input_hash, told.body.decision.input_hash);
    assert.equal(claims.exp, Date.parse(answer.expires) / 1000);
  }
});

test('the decision sent to the server is the one that Node makes of the same input, byte for byte', async () => {
  await using edge = await startEdge();
  await edge.post('/v1/offers', application());
  const { input, decision } = edge.lender.requests[0].body;
  const bundle = await prequal.loadBundle(bundles.full, { keys: [jwk('bundle.public')] });
  assert.equal(JSON.stringify(decision), prequal.decideCanonical(bundle, input));
  assert.match(input.salt, /^[0-9a-f]{64}$/);
});

test('a decline is told to the server and makes no offer', async () => {
  await using edge = await startEdge({ bureau: ({ body }) => [200, report(badRow, body.features)] });
  const answer = await (await edge.post('/v1/offers', application())).json();
  assert.equal(answer.outcome, 'declined');
  assert.deepEqual(answer.offers, []);
  assert.ok(answer.reasons.length > 0);
  assert.equal(answer.decision_id, 'decision-1');
  assert.equal(edge.lender.requests[0].body.decision.outcome, 'declined');
});

test('an incomplete form asks for what is missing; nobody is asked about the person and nothing is recorded', async () => {
  await using edge = await startEdge();
  const [first, ...rest] = Object.entries(answers());
  const answer = await (
    await edge.post('/v1/offers', application({ fields: Object.fromEntries(rest) }))
  ).json();
  assert.equal(answer.outcome, 'needs');
  assert.deepEqual(
    answer.needs.map(({ kind, id }) => [kind, id]),
    [['field', first[0]]],
  );
  assert.equal(edge.bureau.requests.length, 0);
  assert.equal(edge.lender.requests.length, 0);
});

test('a bureau that is down, late or talks nonsense is evidence that is missing, and never a failure', async () => {
  const cases = [
    ['down', () => [500, 'out of order'], 'timed_out'],
    [
      'late',
      () => new Promise((resolve) => setTimeout(() => resolve([200, {}]), 2_000).unref()),
      'timed_out',
    ],
    ['nonsense', () => [200, 'not json'], 'invalid'],
    ['empty', () => [200, { evidence: {} }], 'no_record'],
    [
      'wrong values',
      ({ body }) => [200, { evidence: all(body.features, { value: { deep: 1 } }) }],
      'invalid',
    ],
  ];
  for (const [name, bureau, missing] of cases) {
    await using edge = await startEdge({ bureau });
    const response = await edge.post('/v1/offers', application());
    assert.equal(response.status, 200, name);
    assert.notEqual((await response.json()).outcome, 'eligible', name);
    const evidence = edge.lender.requests.at(-1)?.body.input.evidence;
    if (evidence === undefined) continue;
    for (const item of Object.values(evidence))
      assert.deepEqual(item, { missing, source: 'sandbox-bureau' }, name);
  }
});

test('the bureau does not say how far it is to be believed, nor more than it was asked', async () => {
  await using edge = await startEdge({
    bureau: ({ body }) => {
      const { evidence } = report(0, body.features);
      return [200, { evidence: { ...evidence, unasked: { value: 1, assurance: 'own', source: 'bureau' } } }];
    },
  });
  await edge.post('/v1/offers', application());
  const { evidence } = edge.lender.requests[0].body.input;
  assert.ok(!('unasked' in evidence));
  for (const item of Object.values(evidence)) {
    assert.ok(item.missing !== undefined || item.assurance === 'third_party', JSON.stringify(item));
    assert.equal(item.source, 'sandbox-bureau');
  }
});

test('what the server refuses reaches the page only where the page can act upon it', async () => {
  const refusal = (slug, status) => () => [
    status,
    { type: `urn:prequal:problem:${slug}`, title: 'refused', status, detail: 'cut-off 512' },
  ];
  const cases = [
    ['cart-changed', 409, 'cart-changed', 409],
    ['checkout-financed', 409, 'checkout-financed', 409],
    ['decision-mismatch', 409, 'server-refused', 422],
    ['unauthorized', 401, 'server-refused', 422],
    ['slow-down', 429, 'server-unavailable', 503],
    ['internal', 500, 'server-unavailable', 503],
  ];
  for (const [slug, status, shown, shownStatus] of cases) {
    await using edge = await startEdge({ server: refusal(slug, status) });
    const response = await edge.post('/v1/offers', application());
    const text = await response.text();
    assert.equal(response.status, shownStatus, slug);
    assert.equal(JSON.parse(text).type, `urn:prequal:problem:${shown}`);
    assert.ok(!text.includes('512'), 'details of the server stay there');
  }
});

test('nothing about a person stands in the log', async () => {
  await using edge = await startEdge();
  await edge.post('/v1/offers', application());
  await edge.post('/v1/offers', application({ fields: { ...answers(), email: 'nonsense@@' } }));
  await edge.post('/v1/validate', { fields: { full_name: 'Ada Byron', secret_field: 'Byron' } });
  const log = await edge.logged(/"event":"decided"/);
  assert.match(log, /"event":"decided"/);
  for (const word of [
    'Ada',
    'Byron',
    'example.com',
    'nonsense',
    '555',
    '1990',
    '420000',
    'cap_1',
    EDGE_KEY,
    BUREAU_KEY,
  ]) {
    assert.ok(!log.includes(word), `the log holds ${word}`);
  }
});

const all = (names, value) => Object.fromEntries(names.map((name) => [name, value]));
