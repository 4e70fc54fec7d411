// Claim: one bundle and one application give one verdict, to the byte, wherever it is computed.
// Native Rust gives the expected text for each of the 1,000 German credit rows; Node, workerd and Chromium run the
// packed npm package on the very same inputs, with the full bundle and with its public part.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { inChromium, inNode, inWorkerd, unpack } from './runtimes.mjs';

const ROWS = 1000;
const OCCURRENCES_MIN = 20;
const root = join(import.meta.dirname, '../..');
const demo = join(root, 'target/demo');
const read = (name) => readFileSync(join(demo, name), 'utf8');

let native;
let folder;
const bundles = { full: read('bundle.full.json'), public: read('bundle.public.json') };
const keys = [JSON.parse(read('keys/bundle.public.jwk'))];

before(() => {
  const lines = execFileSync(
    'cargo',
    [
      ...['run', '--quiet', '--package', 'prequal-acceptance', '--example', 'german_verdicts', '--'],
      ...[
        join(demo, 'bundle.full.json'),
        join(demo, 'bundle.public.json'),
        join(demo, 'keys/bundle.public.jwk'),
      ],
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  native = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  folder = unpack();
});

function outcomes(kind) {
  const counts = {};
  for (const row of native) {
    const { outcome } = JSON.parse(row[kind]);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

test('every row is decided, and every outcome is common enough to mean something', (t) => {
  assert.equal(native.length, ROWS);
  const decided = outcomes('decide');
  const estimated = outcomes('prequalify');
  t.diagnostic(`full bundle: ${JSON.stringify(decided)}; public bundle: ${JSON.stringify(estimated)}`);
  for (const outcome of ['eligible', 'referred', 'declined', 'needs']) {
    assert.ok((decided[outcome] ?? 0) >= OCCURRENCES_MIN, `${outcome}: ${decided[outcome] ?? 0} rows`);
  }
  for (const outcome of ['likely', 'needs', 'continue']) {
    assert.ok((estimated[outcome] ?? 0) >= OCCURRENCES_MIN, `${outcome}: ${estimated[outcome] ?? 0} rows`);
  }
});

for (const [name, run] of [
  ['Node', inNode],
  ['workerd', inWorkerd],
  ['Chromium', inChromium],
]) {
  test(`${name} gives native Rust's bytes for all rows, full and public`, async () => {
    const inputs = native.map((row) => row.input);
    const answers = await run(folder, bundles, keys, inputs);
    assert.equal(answers.length, ROWS);
    const different = answers.flatMap((answer, index) =>
      ['decide', 'prequalify']
        .filter((kind) => answer[kind] !== native[index][kind])
        .map((kind) => `row ${index}, ${kind}: ${difference(native[index][kind], answer[kind])}`),
    );
    for (const line of different) console.error(line);
    assert.equal(different.length, 0, `${different.length} verdicts differ; the first: ${different[0]}`);
  });
}

function difference(expected, actual) {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at += 1;
  const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 40), at + 40));
  return `at character ${at} native has ${around(expected)}, here ${around(actual)}`;
}
