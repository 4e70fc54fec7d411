/** A second lender beside the demo's: the same policy and keys, other conduct, books of its own. */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_MS_MAX = 30_000;
/** The demo's own conduct, in the file that it wrote. */
const CONDUCT = /\[conduct\]\n[^[]*/u;

/** Starts server, worker and shop; `conduct` is the section of that name, as TOML. Gives the shop's address. */
export async function lenderWith(name, conduct) {
  const { DEMO_FOLDER: folder, PREQUAL_PROGRAM: program, PROVIDER_URL, EDGE_KEY } = process.env;
  const { MERCHANT_KEY, LENDER_KEY } = process.env;
  const [server, worker, shop] = await Promise.all([freePort(), freePort(), freePort()]);
  const at = (port) => `http://127.0.0.1:${port}`;
  const own = readFileSync(join(folder, 'server.toml'), 'utf8')
    .replace(/^listen = .*$/mu, `listen = "127.0.0.1:${server}"`)
    .replace(/^database = .*$/mu, `database = "sqlite://${name}.db"`)
    .replace(/^cors_origins = .*$/mu, `cors_origins = ["${at(shop)}"]`)
    .replace(/^folder = .*$/mu, `folder = "notices-${name}"`)
    // Its payouts must not be told to the demo's own server.
    .replace(`url = "${PROVIDER_URL}"`, 'url = "http://127.0.0.1:9"')
    .replace(CONDUCT, `[conduct]\n${conduct}\n`);
  const file = `server-${name}.toml`;
  writeFileSync(join(folder, file), own);
  const running = [];
  const start = (command, args, cwd, env = {}) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'ignore' });
    running.push(child);
    return child;
  };
  const key = (use, part) => join(folder, `keys/${use}.${part}.jwk`);
  start(program, ['serve', '--sandbox', '--config', file], folder);
  await answers(`${at(server)}/healthz`);
  start(process.execPath, ['dev.mjs'], join(ROOT, 'www/edge'), {
    PORT: String(worker),
    SERVER_URL: at(server),
    BUREAU_URL: `${PROVIDER_URL}/bureau/v1/reports`,
    BUNDLE_FILE: join(folder, 'bundle.full.json'),
    PUBLIC_BUNDLE_FILE: join(folder, 'bundle.public.json'),
    BUNDLE_KEY_FILES: key('bundle', 'public'),
    CHECKOUT_KEY_FILES: key('checkout', 'public'),
    OFFER_KEY_FILE: key('offer', 'private'),
    EDGE_KEY,
    ALLOWED_ORIGINS: at(shop),
    SANDBOX: '1',
  });
  start(process.execPath, ['server.mjs'], join(ROOT, 'www/shop'), {
    PORT: String(shop),
    SERVER_URL: at(server),
    EDGE_URL: at(worker),
    MERCHANT_KEY,
    LENDER_KEY,
    BUNDLE_KEYS: key('bundle', 'public'),
    DEMO: '1',
  });
  await answers(`${at(worker)}/v1/bundle/public`);
  await answers(`${at(shop)}/healthz`);
  return {
    shop: at(shop),
    server: at(server),
    async stop() {
      await Promise.all(running.map(ended));
      for (const end of ['.db', '.db-wal', '.db-shm']) rmSync(join(folder, name + end), { force: true });
      rmSync(join(folder, file));
      rmSync(join(folder, `notices-${name}`), { recursive: true, force: true });
    },
  };
}

function ended(child) {
  if (child.exitCode !== null) return undefined;
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answers(url) {
  const end = Date.now() + START_MS_MAX;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > end) throw new Error(`${url} did not answer`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
