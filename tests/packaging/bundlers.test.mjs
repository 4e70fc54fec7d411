import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'node:test';
import { chromium } from 'playwright-core';
import { data, expectation, program, project, root, serve, tools } from './support.mjs';

const node = join(tools, '.bin/node');
const main = `
import * as prequal from 'prequal';
import { use } from './program.js';
window.run = (data) => use(prequal, data);
window.WasmUnavailable = prequal.WasmUnavailable;
window.prequal = prequal;
`;
const page = (script) => `<!doctype html><title>shop</title><script type="module" src="${script}"></script>`;

let browser;
test.before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    args: [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ], // biome-ignore format: one list
  });
});
test.after(() => browser.close());

async function inBrowser(url) {
  const tab = await browser.newPage();
  await tab.goto(url);
  await tab.waitForFunction(() => 'run' in globalThis);
  try {
    return await tab.evaluate((given) => globalThis.run(given), data());
  } finally {
    await tab.close();
  }
}

test('through Vite, into a browser: the module is copied once', async (t) => {
  const folder = project(t, { 'program.js': program, 'main.js': main, 'index.html': page('/main.js') });
  execFileSync(node, [join(tools, 'vite/bin/vite.js'), 'build', '--logLevel', 'error'], { cwd: folder });
  const modules = readdirSync(join(folder, 'dist'), { recursive: true }).filter((name) =>
    name.endsWith('.wasm'),
  );
  assert.equal(modules.length, 1, modules.join());
  expectation(assert, await inBrowser(await serve(t, join(folder, 'dist'))));
});

test('through esbuild, with the module given by its address', async (t) => {
  const folder = project(t, {
    'program.js': program,
    'main.js': main
      .replace('=> use(', "=> prequal.init('/prequal.wasm').then(() => use(")
      .replace('data);', 'data));'),
    'index.html': page('/out.js'),
  });
  const { buildSync } = createRequire(join(root, 'www/package.json'))('esbuild');
  buildSync({
    absWorkingDir: folder,
    entryPoints: ['main.js'],
    bundle: true,
    format: 'esm',
    outfile: 'out.js',
  });
  execFileSync('cp', ['node_modules/prequal/prequal.wasm', '.'], { cwd: folder });
  expectation(assert, await inBrowser(await serve(t, folder)));
});

const unbundled = {
  'program.js': program,
  'main.js': main.replace("'prequal'", "'./node_modules/prequal/index.js'"),
};

test('without a bundler, as it is installed', async (t) => {
  const folder = project(t, { ...unbundled, 'index.html': page('/main.js') });
  expectation(assert, await inBrowser(await serve(t, folder)));
});

test('from a server that does not know what a wasm file is', async (t) => {
  const folder = project(t, { ...unbundled, 'index.html': page('/main.js') });
  expectation(assert, await inBrowser(await serve(t, folder, { types: { '.wasm': 'text/plain' } })));
});

test('a module comes as an address, an answer, bytes, a module or an instance', async (t) => {
  const folder = project(t, { ...unbundled, 'index.html': page('/main.js') });
  const url = await serve(t, folder);
  for (const source of [
    "'/node_modules/prequal/prequal.wasm'",
    "new URL('/node_modules/prequal/prequal.wasm', location.href)",
    "fetch('/node_modules/prequal/prequal.wasm')",
    "(await fetch('/node_modules/prequal/prequal.wasm')).arrayBuffer()",
    "WebAssembly.compileStreaming(fetch('/node_modules/prequal/prequal.wasm'))",
    "{ default: WebAssembly.compileStreaming(fetch('/node_modules/prequal/prequal.wasm')) }",
    "WebAssembly.instantiateStreaming(fetch('/node_modules/prequal/prequal.wasm'), glue.imports()).then((both) => both.instance)",
    "WebAssembly.instantiateStreaming(fetch('/node_modules/prequal/prequal.wasm'), glue.imports()).then((both) => both.instance.exports)",
  ]) {
    const tab = await browser.newPage();
    await tab.goto(url);
    await tab.waitForFunction(() => 'run' in globalThis);
    const salt = await tab.evaluate(`(async () => {
      const glue = await import('/node_modules/prequal/glue.js');
      await prequal.init(${source});
      return prequal.salt();
    })()`);
    assert.match(salt, /^[0-9a-f]{64}$/, source);
    await tab.close();
  }
});

test('a page whose policy forbids wasm gets WasmUnavailable, and may try again', async (t) => {
  const folder = project(t, { ...unbundled, 'index.html': page('/main.js') });
  const strict = { 'content-security-policy': "default-src 'self'; script-src 'self'" };
  const tab = await browser.newPage({ bypassCSP: false });
  await tab.goto(await serve(t, folder, { headers: strict }));
  // Only what the page itself defines: a strict policy also forbids evaluating text.
  await tab.waitForFunction(() => 'run' in globalThis);
  const outcome = await tab.evaluate(async () => {
    const { prequal } = globalThis;
    const attempt = async () => {
      try {
        await prequal.init();
        return 'ready';
      } catch (error) {
        return [error instanceof prequal.WasmUnavailable, error.code];
      }
    };
    return [await attempt(), await attempt(), prequal.isReady()];
  });
  assert.deepEqual(outcome, [[true, 'wasm_unavailable'], [true, 'wasm_unavailable'], false]);
  const allowed = { 'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" };
  expectation(assert, await inBrowser(await serve(t, folder, { headers: allowed })));
});

test('drafts are kept in the page under their own prefix, and forms are read as they stand', async (t) => {
  const folder = project(t, { ...unbundled, 'index.html': page('/main.js') });
  const tab = await browser.newPage();
  await tab.goto(await serve(t, folder));
  await tab.waitForFunction(() => 'run' in globalThis);
  const result = await tab.evaluate(async ({ open, key }) => {
    const { prequal } = globalThis;
    await prequal.init();
    const bundle = await prequal.loadBundle(open, { keys: [key] });
    localStorage.setItem('cart', 'the merchant’s');
    const id = prequal.draftId();
    prequal.saveDraft(localStorage, id, { step: 1 });
    const names = Object.keys(localStorage).sort();
    const kept = prequal.loadDraft(localStorage, id);
    prequal.removeDraft(localStorage, id);
    const attempt = (call) => {
      try {
        return call();
      } catch (error) {
        return error.code;
      }
    };
    const refusals = [
      attempt(() => prequal.saveDraft(localStorage, '../cart', {})),
      attempt(() => prequal.saveDraft(localStorage, id, { long: 'x'.repeat(70_000) })),
    ];
    const form = new FormData();
    const fields = bundle.form().steps.flatMap((step) => step.fields);
    const typed = { money: '4200.50', email: ' ada@example.com ', consent: 'on', phone: '12' };
    for (const field of fields) {
      const text = field.choices?.[0]?.value ?? typed[field.type];
      if (text !== undefined) form.set(field.id, text);
    }
    form.set('the_pages_own', 'x');
    const read = prequal.readForm(bundle, form);
    const checked = prequal.validateForm(bundle, form, { today: '2026-11-23' });
    const one = (type) => fields.find((field) => field.type === type).id;
    return {
      id, names, kept, refusals,
      left: [Object.keys(localStorage), prequal.loadDraft(localStorage, id)],
      read: [read[one('money')], read[one('email')], read[one('consent')], 'the_pages_own' in read],
      wrong: checked.errors.map((error) => error.field).includes(one('phone')),
    };
  }, data()); // biome-ignore format: short members
  assert.deepEqual(result.names, ['cart', `prequal:draft:${result.id}`]);
  assert.deepEqual(result.kept, { step: 1 });
  assert.deepEqual(result.left, [['cart'], null]);
  assert.deepEqual(result.refusals, ['invalid_draft_id', 'draft_too_long']);
  assert.deepEqual(result.read, [420_050, 'ada@example.com', true, false]);
  assert.equal(result.wrong, true);
  await tab.close();
});
