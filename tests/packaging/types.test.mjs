import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { project, tools } from './support.mjs';

const node = join(tools, '.bin/node');
const tsc = join(tools, 'typescript/bin/tsc');

const good = `
import 'prequal/element';
import { createClient, decide, init, loadBundle, type Offer, PrequalError, quote, schedule, WasmUnavailable } from 'prequal';

export async function show(envelope: string, key: { kty: string; crv: string; x: string; kid: string }): Promise<number> {
  try {
    await init();
  } catch (error) {
    if (error instanceof WasmUnavailable) return createClient({ endpoint: '/' }).quote({ amount: 1, currency: 'USD' }).then((q) => q.plans.length);
    throw error;
  }
  const bundle = await loadBundle(envelope, { keys: [key] });
  const offers: readonly Offer[] = quote(bundle, { amount: 1, currency: 'USD', today: bundle.today(new Date()) }).plans;
  const decision = decide(bundle, {
    application: { order: { amount: 1, currency: 'USD' }, fields: { full_name: 'Ada Byron' } },
    evidence: { savings: { missing: 'timed_out', source: 'bureau' } },
    salt: '', as_of: '', today: '',
  });
  const element: HTMLElement = document.createElement('prequal-checkout');
  document.body.append(element);
  const total: number = schedule({ currency: 'USD', principal: 1, start: '', repayment: { method: 'free' } }).total;
  return offers.length + decision.offers.length + total + (new PrequalError('a', 'b').code.length);
}`;

const bad = {
  'an amount as text':
    "import { quote } from 'prequal'; quote(undefined as never, { amount: '1', currency: 'USD', today: '' });",
  'a missing date':
    "import { quote } from 'prequal'; quote(undefined as never, { amount: 1, currency: 'USD' });",
  'an outcome that does not exist':
    "import { decide } from 'prequal'; decide(undefined as never, undefined as never).outcome === 'approved';",
  'the inside of the package': "import * as glue from 'prequal/glue.js'; glue;",
};

function check(folder, resolution) {
  const result = spawnSync(node, [tsc, '--project', '.', ...resolution], { cwd: folder, encoding: 'utf8' });
  return { ok: result.status === 0, output: result.stdout };
}

const options = JSON.stringify({
  compilerOptions: {
    target: 'ES2022', module: 'ESNext', moduleResolution: 'bundler', lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true, types: [],
  },
  include: ['main.ts'],
}); // biome-ignore format: one object

for (const resolution of [[], ['--module', 'NodeNext', '--moduleResolution', 'NodeNext']]) {
  test(`a strict consumer type-checks, the package's own types included ${resolution.join(' ')}`, (t) => {
    const folder = project(t, { 'main.ts': good, 'tsconfig.json': options });
    const { ok, output } = check(folder, resolution);
    assert.ok(ok, output);
  });
}

test('mistakes are found', (t) => {
  for (const [name, text] of Object.entries(bad)) {
    const folder = project(t, { 'main.ts': text, 'tsconfig.json': options });
    assert.ok(!check(folder, []).ok, name);
  }
});

test('the package holds what it should and nothing else', (t) => {
  const folder = join(project(t), 'node_modules/prequal');
  const names = readdirSync(folder, { recursive: true }).map(String);
  for (const name of [
    'README.md',
    'LICENSE',
    'package.json',
    'prequal.wasm',
    'index.js',
    'index.d.ts',
    'element/index.js',
  ]) {
    assert.ok(names.includes(name), name);
  }
  const odd = names.filter(
    (name) => !/\.(js|d\.ts|wasm)$/.test(name) && !/^(README\.md|LICENSE|package\.json|element)/.test(name),
  );
  assert.deepEqual(odd, []);
});
