// The packed tarball, installed by npm into folders of its own: what a merchant's developer gets.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
export const tools = join(root, 'www/node_modules');
const demo = process.env.PREQUAL_DEMO ?? join(root, 'target/demo');

export const files = {
  full: join(demo, 'bundle.full.json'),
  public: join(demo, 'bundle.public.json'),
  key: join(demo, 'keys/bundle.public.jwk'),
};
export const read = (path) => readFileSync(path, 'utf8');

const tarball = () => {
  const folder = process.env.PREQUAL_PACKAGE ?? join(root, 'target/npm');
  const packed = readdirSync(folder).filter((name) => /^prequal-.*\.tgz$/.test(name));
  if (packed.length !== 1)
    throw new Error(`one packed package is expected in ${folder}, found ${packed.length}`);
  return join(folder, packed[0]);
};

/** A fresh project with the tarball installed; `sources` are its files by path. Removed when the test ends. */
export function project(test, sources = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'prequal-packaging-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  write(folder, { 'package.json': '{"name":"shop","private":true,"type":"module"}', ...sources });
  execFileSync('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', tarball()], {
    cwd: folder,
  });
  return folder;
}

export function write(folder, sources) {
  for (const [name, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** What every environment runs: the same calls, whose results are compared with those of the others. */
export const program = `
export async function use(prequal, { full, open, key }) {
  await prequal.init();
  await prequal.init();
  const terms = {
    currency: 'USD', principal: 10000, start: '2024-01-01',
    rate: { annual_percent: '7', day_count: '30/360' },
    repayment: { method: 'equal_installment', count: 6, every: 'P1M', first_due: '2024-02-01', month_end: 'clamp' },
    rounding: 'half_even', adjust_installment: true,
  };
  const bundle = await prequal.loadBundle(full, { keys: [key] });
  const shown = await prequal.loadBundle(open, { keys: [key] });
  const input = JSON.stringify({
    application: { order: { amount: 129900, currency: 'USD' }, fields: {} },
    evidence: {}, salt: '00'.repeat(16), as_of: '2026-11-23T03:00:00Z', today: '2026-11-22',
  });
  let refused;
  try { prequal.schedule({ ...terms, colour: 'red' }); } catch (error) { refused = [error.name, error.code, error.message]; }
  return {
    schedule: prequal.schedule(terms),
    apr: prequal.apr({
      convention: 'us_reg_z', unit_period: 'P1M', currency: 'USD',
      advances: [{ date: '1978-01-10', amount: 500000 }],
      payments: [{ date: '1978-02-10', amount: 23000, count: 24, every: 'P1M' }],
    }),
    parts: [bundle.part, shown.part],
    hash: bundle.hash,
    today: bundle.today(new Date('2026-11-23T03:00:00Z')),
    plans: prequal.quote(shown, { amount: 129900, currency: 'USD', today: '2026-11-22' }).plans.map((plan) => plan.total),
    decision: prequal.decideCanonical(bundle, input),
    estimate: prequal.prequalifyCanonical(shown, input),
    refused,
    random: [prequal.salt().length, prequal.draftId().slice(0, 6), prequal.idempotencyKey() !== prequal.idempotencyKey()],
  };
}
`;

export const data = () => ({
  full: read(files.full),
  open: read(files.public),
  key: JSON.parse(read(files.key)),
});

/** What the program must come to, with its sources. */
export function expectation(assert, result) {
  assert.equal(result.schedule.total, 10205); // the example of the schedule contract
  assert.equal(result.apr.apr_percent, '9.69'); // Regulation Z, Appendix J, example (c)(1)(i)
  assert.deepEqual(result.parts, ['full', 'public']);
  assert.equal(result.today, '2026-11-22'); // 22:00 in New York
  assert.ok(result.plans.length > 0 && result.plans.every((total) => total > 129900));
  assert.equal(JSON.parse(result.decision).outcome, 'needs');
  assert.equal(JSON.parse(result.decision).bundle_hash, result.hash);
  assert.equal(result.refused[0], 'PrequalError');
  assert.match(result.refused[2], /`colour`/);
  assert.deepEqual(result.random, [64, 'draft_', true]);
}

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves a folder; `headers` are added to every answer, `types` overrides what files are called. */
export async function serve(test, folder, { headers = {}, types = {} } = {}) {
  const server = createServer((request, response) => {
    const name = new URL(request.url, 'http://x').pathname;
    try {
      const body = readFileSync(join(folder, name === '/' ? 'index.html' : decodeURIComponent(name)));
      const type = { ...TYPES, ...types }[extname(name) || '.html'] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, ...headers }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
