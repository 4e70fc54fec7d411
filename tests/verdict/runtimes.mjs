// The runtimes in which the packed npm package decides: Node, workerd and Chromium. Each takes the same texts and
// gives back the texts that came out, or `error CODE: MESSAGE`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '../..');

/** Unpacks the tarball that `cargo xtask package` made, as an installation would. */
export function unpack() {
  const folder = join(root, 'target/npm');
  const tarballs = readdirSync(folder).filter((name) => /^prequal-.*\.tgz$/.test(name));
  if (tarballs.length !== 1)
    throw new Error(`one packed package expected in target/npm, found ${tarballs.length}`);
  const place = join(mkdtempSync(join(tmpdir(), 'prequal-verdict-')), 'node_modules');
  mkdirSync(place);
  execFileSync('tar', ['-xzf', join(folder, tarballs[0]), '-C', place]);
  return join(place, 'package');
}

/** What every runtime runs. It is turned into text for workerd and Chromium, so it must not close over anything. */
export async function verdicts(api, bundles, keys, inputs) {
  await api.init();
  const full = await api.loadBundle(bundles.full, { keys });
  const open = await api.loadBundle(bundles.public, { keys });
  const attempt = (run) => {
    try {
      return run();
    } catch (error) {
      return `error ${error.code}: ${error.message}`;
    }
  };
  return inputs.map((input) => ({
    decide: attempt(() => api.decideCanonical(full, input)),
    prequalify: attempt(() => api.prequalifyCanonical(open, input)),
  }));
}

export async function inNode(folder, bundles, keys, inputs) {
  const api = await import(pathToFileURL(join(folder, 'node.js')));
  return verdicts(api, bundles, keys, inputs);
}

export async function inWorkerd(folder, bundles, keys, inputs) {
  const { convertV4MiniflareOptions, Miniflare } = createRequire(join(root, 'www/edge/package.json'))(
    'miniflare',
  );
  const script = `
    import * as api from './workerd.js';
    ${verdicts}
    export default {
      async fetch(request) {
        const { bundles, keys, inputs } = await request.json();
        return Response.json(await verdicts(api, bundles, keys, inputs));
      },
    };`;
  const modules = readdirSync(folder)
    .filter((name) => /\.(js|wasm)$/.test(name))
    .map((name) => ({
      type: name.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
      path: join(folder, name),
      contents: readFileSync(join(folder, name)),
    }));
  const worker = new Miniflare(
    convertV4MiniflareOptions({
      modulesRoot: folder,
      modules: [{ type: 'ESModule', path: join(folder, 'verdict-worker.js'), contents: script }, ...modules],
      compatibilityDate: '2026-11-01',
    }),
  );
  try {
    const response = await worker.dispatchFetch('http://verdict/', {
      method: 'POST',
      body: JSON.stringify({ bundles, keys, inputs }),
    });
    if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
    return await response.json();
  } finally {
    await worker.dispose();
  }
}

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

export async function inChromium(folder, bundles, keys, inputs) {
  const server = createServer((request, response) => {
    const name = new URL(request.url, 'http://verdict').pathname.slice(1);
    const known = new Set(readdirSync(folder));
    const page = name === '';
    if (!page && !known.has(name)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': page ? TYPES['.html'] : TYPES[extname(name)] });
    response.end(page ? '<!doctype html><title>verdicts</title>' : readFileSync(join(folder, name)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: process.env.CHROME ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(
      async ({ source, bundles, keys, inputs }) => {
        const run = new Function(`return (${source})`)();
        return run(await import('/index.js'), bundles, keys, inputs);
      },
      { source: String(verdicts), bundles, keys, inputs },
    );
  } finally {
    await browser.close();
    server.close();
  }
}
