// Starts the built worker in workerd through miniflare. Used by dev.mjs and by the tests.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { build } from './build.mjs';

/**
 * @param {{ host?: string, port?: number, bundles: Record<string, string>, bindings: Record<string, string>,
 *   folder?: string, onLog?: (line: string) => void }} options `folder` is a build to use as it is
 * @returns {Promise<{ url: string, stop: () => Promise<void>, bundles: unknown }>}
 */
export async function startWorker({
  host = '127.0.0.1',
  port = 0,
  bundles,
  bindings,
  folder = build(),
  onLog,
}) {
  const modules = [{ type: 'ESModule', path: join(folder, 'index.js') }];
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.wasm'))) {
    modules.push({ type: 'CompiledWasm', path: join(folder, name) });
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host,
      port,
      modulesRoot: folder,
      modules: modules.map((module) => ({ ...module, contents: readFileSync(module.path) })),
      compatibilityDate: '2026-11-01',
      bindings,
      kvNamespaces: ['BUNDLES'],
      ...(onLog === undefined ? {} : { handleStructuredLogs: ({ message }) => onLog(`${message}\n`) }),
    }),
  );
  const url = await miniflare.ready;
  const store = await miniflare.getKVNamespace('BUNDLES');
  for (const [key, value] of Object.entries(bundles)) await store.put(key, value);
  return { url: url.href.replace(/\/$/, ''), bundles: store, stop: () => miniflare.dispose() };
}
