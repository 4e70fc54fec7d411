/** Evidence from the bureau, within a deadline. A bureau that is late or down is evidence that timed out. */
import type { Evidence } from 'prequal';
import type { Config } from './config.js';
import { log } from './log.js';

const MISSING = new Set(['no_record', 'timed_out', 'invalid', 'not_asked']);
/** The longest report that is read. */
const REPORT_LENGTH_MAX = 256 * 1024;

/**
 * One item for each key asked for, whatever the bureau answers. The bureau says what it knows; how far that is to be
 * believed, and who said it, is decided here.
 */
export async function fetchEvidence(
  keys: readonly string[],
  email: string,
  config: Config,
): Promise<Readonly<Record<string, Evidence>>> {
  if (keys.length === 0) return {};
  const started = Date.now();
  const report = await ask(keys, email, config);
  const evidence: Record<string, Evidence> = {};
  for (const key of keys) {
    evidence[key] = typeof report === 'string' ? missing(report, config) : item(report[key], config);
  }
  const outcome = typeof report === 'string' ? report : 'answered';
  log('bureau', { outcome, ms: Date.now() - started });
  return evidence;
}

type Report = Readonly<Record<string, unknown>>;
type MissingKind = 'not_asked' | 'timed_out' | 'no_record' | 'invalid';

async function ask(keys: readonly string[], email: string, config: Config): Promise<Report | MissingKind> {
  let text: string;
  try {
    const response = await fetch(config.bureauUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${config.bureauKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ email, features: keys }),
      signal: AbortSignal.timeout(config.bureauDeadlineMs),
    });
    if (!response.ok) return 'timed_out';
    text = await response.text();
  } catch {
    return 'timed_out';
  }
  try {
    const { evidence } = JSON.parse(text.length > REPORT_LENGTH_MAX ? '' : text) as { evidence?: unknown };
    return typeof evidence === 'object' && evidence !== null ? (evidence as Report) : 'invalid';
  } catch {
    return 'invalid';
  }
}

function item(given: unknown, config: Config): Evidence {
  if (given === undefined) return missing('no_record', config);
  if (typeof given !== 'object' || given === null) return missing('invalid', config);
  const { value, missing: why } = given as { readonly value?: unknown; readonly missing?: unknown };
  if (typeof why === 'string') return missing(MISSING.has(why) ? (why as MissingKind) : 'invalid', config);
  const scalar = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
  if (!scalar) return missing('invalid', config);
  return { value: value as string | number | boolean, assurance: 'third_party', source: config.bureauId };
}

function missing(why: MissingKind, config: Config): Evidence {
  return { missing: why, source: config.bureauId };
}
