// Bundles the worker as `wrangler deploy` would upload it, without uploading: dist/index.js and the wasm beside it.
// wrangler needs Node 22 or newer; the project's own Node runs it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const wrangler = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);

/** @returns {string} the folder with what would be deployed */
export function build() {
  const folder = join(import.meta.dirname, 'dist');
  const result = spawnSync(
    process.execPath,
    [
      wrangler,
      'deploy',
      '--dry-run',
      '--outdir',
      folder,
      '--config',
      join(import.meta.dirname, 'wrangler.jsonc'),
    ],
    {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true', WRANGLER_LOG_SANITIZE: 'true' },
    },
  );
  if (result.status !== 0)
    throw new Error(`wrangler could not build the worker:\n${result.stdout}${result.stderr}`);
  return folder;
}

if (process.argv[1] === import.meta.filename) console.log(build());
