import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'node:test';
import { data, expectation, program, project, root } from './support.mjs';

const require = createRequire(join(root, 'www/package.json'));

test('in workerd, where the module is imported and bytes may not be compiled', async (t) => {
  const folder = project(t, {
    'program.js': program,
    'worker.js': `
      import * as prequal from 'prequal';
      import { use } from './program.js';
      prequal.initSync();
      export default { fetch: async (request) => Response.json(await use(prequal, await request.json())) };`,
  });
  const { buildSync } = require('esbuild');
  buildSync({
    absWorkingDir: folder,
    entryPoints: ['worker.js'],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    outdir: 'dist',
  });
  const { convertV4MiniflareOptions, Miniflare } = require('miniflare');
  const contents = (name) => readFileSync(join(folder, 'dist', name));
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modulesRoot: join(folder, 'dist'),
      modules: [
        { type: 'ESModule', path: join(folder, 'dist/worker.js'), contents: contents('worker.js') },
        { type: 'CompiledWasm', path: join(folder, 'dist/prequal.wasm'), contents: contents('prequal.wasm') },
      ],
      compatibilityDate: '2026-11-01',
    }),
  );
  t.after(() => worker.dispose());
  const response = await worker.dispatchFetch('http://worker/', {
    method: 'POST',
    body: JSON.stringify(data()),
  });
  assert.equal(response.status, 200);
  expectation(assert, await response.json());
});
