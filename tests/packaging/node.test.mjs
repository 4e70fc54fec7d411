import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { data, expectation, files, program, project, tools } from './support.mjs';

const main = `
import { readFileSync } from 'node:fs';
import * as prequal from 'prequal';
import { use } from './program.js';
const [full, open, key] = process.argv.slice(2).map((path) => readFileSync(path, 'utf8'));
process.stdout.write(JSON.stringify(await use(prequal, { full, open, key: JSON.parse(key) })));
`;

/** Node 24 comes with the project; the other is the one on the machine, where it is another. */
const nodes = new Set([`${tools}/.bin/node`, 'node']);

for (const node of nodes) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  test(`in Node ${version}, as an ES module`, (t) => {
    const folder = project(t, { 'program.js': program, 'main.js': main });
    const output = execFileSync(node, ['main.js', files.full, files.public, files.key], {
      cwd: folder,
      encoding: 'utf8',
    });
    expectation(assert, JSON.parse(output));
  });

  test(`in Node ${version}, without waiting, and with elements that do nothing on a server`, (t) => {
    const folder = project(t, {
      'main.js': `
        import 'prequal/element';
        import { initSync, schedule, WasmUnavailable } from 'prequal';
        try { schedule({}); console.log('no error'); } catch (error) { console.log(error instanceof WasmUnavailable); }
        initSync();
        try { schedule({}); } catch (error) { console.log(error.code); }`,
    });
    const output = execFileSync(node, ['main.js'], { cwd: folder, encoding: 'utf8' });
    assert.equal(output, 'true\ninvalid_input\n');
  });
}

test('the core starts again after a trap, and bundles go on', async (t) => {
  const folder = project(t, { 'program.js': program });
  const prequal = await import(`${folder}/node_modules/prequal/node.js`);
  const { run } = await import(`${folder}/node_modules/prequal/engine.js`);
  const { use } = await import(`${folder}/program.js`);
  const { full, key } = data();
  const before = await use(prequal, { ...data() });
  const bundle = await prequal.loadBundle(full, { keys: [key] });
  const { form } = { form: bundle.form() };
  for (let time = 0; time < 3; time += 1) {
    assert.throws(
      () =>
        run(() => {
          throw new WebAssembly.RuntimeError('unreachable');
        }),
      { name: 'PrequalError', code: 'engine_trap' },
    );
    assert.deepEqual(bundle.form(), form);
  }
  const after = await use(prequal, { ...data() });
  assert.deepEqual({ ...after, random: 0 }, { ...before, random: 0 });
});

test('whatever is thrown at the functions, an answer or a named error comes back', async (t) => {
  const folder = project(t);
  const prequal = await import(`${folder}/node_modules/prequal/node.js`);
  await prequal.init();
  const { full, key } = data();
  const bundle = await prequal.loadBundle(full, { keys: [key] });
  const cycle = {};
  cycle.self = cycle;
  let deep = null;
  for (let level = 0; level < 50_000; level += 1) deep = [deep];
  const hostile = [
    null, undefined, 0, -1, 1.5, 1e300, Number.NaN, '', 'x'.repeat(300_000), '\ud800', true, [], {}, [[]], cycle, deep,
    10n ** 30n, Symbol('s'), () => {}, new Date(0), new Map([['a', 1]]), new Uint8Array(8), Object.create(null),
    { amount: 2 ** 53, currency: 'USD', today: '2026-11-23' },
    { amount: 1, currency: 'USD', today: '2026-02-30' }, { __proto__: { amount: 1 } },
    { type: 'start' }, { type: 'constructor' }, { application: null },
  ]; // biome-ignore format: a list of odd values
  const calls = {
    schedule: (value) => prequal.schedule(value),
    apr: (value) => prequal.apr(value),
    caps: (value) => prequal.caps(value),
    quote: (value) => prequal.quote(bundle, value),
    validate: (value) => prequal.validate(bundle, value),
    decide: (value) => prequal.decide(bundle, value),
    decideCanonical: (value) => prequal.decideCanonical(bundle, value),
    prequalify: (value) => prequal.prequalify(bundle, value),
    journey: (value) => prequal.journey(bundle, null, value),
    restored: (value) => prequal.journey(bundle, value, { type: 'withdraw' }),
  };
  for (const [name, call] of Object.entries(calls)) {
    for (const value of hostile) {
      try {
        call(value);
      } catch (error) {
        assert.ok(error instanceof prequal.PrequalError, `${name}: ${error?.stack}`);
        assert.notEqual(error.code, 'engine_trap', name);
      }
    }
  }
});

test('a bundle is believed only as it was signed, by a key that is trusted here', async (t) => {
  const folder = project(t);
  const prequal = await import(`${folder}/node_modules/prequal/node.js`);
  await prequal.init();
  const { full, key } = data();
  const envelope = JSON.parse(full);
  const refuses = (given, code, keys = [key]) =>
    assert.rejects(prequal.loadBundle(given, { keys }), (error) => {
      assert.equal(error.name, 'BundleError');
      assert.equal(error.code, code);
      return true;
    });
  const payload = Buffer.from(envelope.payload, 'base64url');
  for (const at of [0, payload.length >> 1, payload.length - 1]) {
    const altered = Buffer.from(payload);
    altered[at] ^= 1;
    await refuses({ ...envelope, payload: altered.toString('base64url') }, 'bundle_signature_invalid');
  }
  const { kid: _, signature: __, ...unsigned } = envelope;
  await refuses(unsigned, 'bundle_unsigned');
  await refuses({ ...envelope, kid: 'x' }, 'bundle_key_unknown');
  await refuses(full, 'bundle_key_unknown', []);
  await refuses(full, 'bundle_key_invalid', [{ kty: 'EC' }]);
  await refuses(full, 'bundle_key_invalid', [{ ...key, prequal_use: 'offer' }]);
  await refuses({ ...envelope, jwk: key }, 'bundle_malformed');
  await refuses({ ...envelope, format: 'prequal-bundle/2' }, 'bundle_malformed');
  await refuses({ ...envelope, payload: `${envelope.payload}=` }, 'bundle_malformed');
  for (const nonsense of ['', 'x', '[]', 'null', '{}', new Uint8Array([255])]) {
    await refuses(nonsense, 'bundle_malformed');
  }
});
