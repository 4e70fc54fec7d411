/** The signed bundles in force here, each verified once an isolate and read again from the store now and then. */
import { type Bundle, loadBundle, PrequalError } from 'prequal';
import type { Config, Env } from './config.js';
import { log } from './log.js';
import { problem } from './problem.js';

export type Part = 'full' | 'public';

export interface Loaded {
  readonly bundle: Bundle;
  /** The envelope as it came, for pages to verify themselves. */
  readonly envelope: string;
}

/** How long an isolate goes on with what it has before it looks for a newer version. */
const REFRESH_MS = 60_000;

// Values only: a promise made by one request must not be awaited by another.
const kept = new Map<Part, { readonly loaded: Loaded; readonly until: number }>();

/** @throws {Problem} `bundle-unavailable` when there is none, or it does not verify */
export async function bundle(part: Part, env: Env, config: Config): Promise<Loaded> {
  const known = kept.get(part);
  if (known !== undefined && Date.now() < known.until) return known.loaded;
  try {
    const loaded = await load(part, env, config, known?.loaded);
    kept.set(part, { loaded, until: Date.now() + REFRESH_MS });
    return loaded;
  } catch (error) {
    kept.delete(part);
    log('bundle_refused', { part, code: error instanceof PrequalError ? error.code : String(error) });
    throw problem('bundle-unavailable');
  }
}

async function load(part: Part, env: Env, config: Config, before: Loaded | undefined): Promise<Loaded> {
  const envelope = await env.BUNDLES.get(part, { type: 'text' });
  if (envelope === null) throw new Error(`no bundle under \`${part}\``);
  if (before?.envelope === envelope) return before;
  const opened = await loadBundle(envelope, { keys: config.bundleKeys });
  // A public part where the full one belongs could decide nothing; a full one where the public belongs would show
  // everybody what the lender decides by.
  if (opened.part !== part) throw new Error(`the bundle under \`${part}\` is the ${opened.part} part`);
  log('bundle_loaded', { part, hash: opened.hash, version: opened.version });
  return { bundle: opened, envelope };
}
