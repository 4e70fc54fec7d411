// Claim: terms give the same schedule and the same rate, to the byte, natively and in WebAssembly, and what is wrong
// with them is said in the same words.
// Native Rust draws contracts from a seed and says what follows from each; Node runs the packed npm package on the very
// same texts. 2,000 of them in `cargo xtask test`, 100,000 in `cargo xtask verify money` (PREQUAL_QUOTES).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { unpack } from '../verdict/runtimes.mjs';

const QUOTES = Number(process.env.PREQUAL_QUOTES ?? 2000);
/** From here on compiling with optimisation is the shorter way. */
const QUOTES_RELEASE = 10_000;
const DIFFERENCES_SHOWN = 5;
const root = join(import.meta.dirname, '../..');

async function* nativeQuotes() {
  const profile = QUOTES < QUOTES_RELEASE ? [] : ['--release'];
  const program = ['--package', 'prequal-core', '--example', 'money_quotes', '--', String(QUOTES)];
  const child = spawn('cargo', ['run', '--quiet', ...profile, ...program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    yield JSON.parse(line);
  }
  const [code] = await ended;
  assert.equal(code, 0, 'the native program failed');
}

test(`${QUOTES} quotes are native Rust's, to the byte`, async (t) => {
  const api = await import(pathToFileURL(join(unpack(), 'node.js')));
  await api.init();
  const said = (call, text) => {
    try {
      return JSON.stringify(call(JSON.parse(text)));
    } catch (error) {
      return `error ${error.code}: ${error.message}`;
    }
  };
  const counts = { quotes: 0, schedules: 0, rates: 0, refused: 0, different: 0, bytes: 0 };
  const compare = (name, call, input, expected) => {
    const actual = said(call, input);
    counts.bytes += expected.length;
    if (expected.startsWith('error ')) counts.refused += 1;
    else counts[name] += 1;
    if (actual === expected) return;
    counts.different += 1;
    if (counts.different <= DIFFERENCES_SHOWN) {
      console.error(`${name} of ${input}\n${difference(expected, actual)}`);
    }
  };
  for await (const { terms, schedule, flows, apr } of nativeQuotes()) {
    compare('schedules', api.schedule, terms, schedule);
    if (flows !== undefined) compare('rates', api.apr, flows, apr);
    counts.quotes += 1;
    if (QUOTES >= QUOTES_RELEASE && counts.quotes % (QUOTES / 4) === 0) {
      console.error(`  quotes: ${counts.quotes} of ${QUOTES}`);
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.equal(counts.quotes, QUOTES);
  assert.equal(counts.different, 0, `${counts.different} answers differ`);
  // Enough of each kind to mean something.
  assert.ok(counts.schedules > QUOTES * 0.9 && counts.rates > QUOTES * 0.7 && counts.refused > QUOTES / 50);
});

function difference(expected, actual) {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at += 1;
  const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 40), at + 40));
  return `at character ${at} native has ${around(expected)}, here ${around(actual)}`;
}
