// Claim: one bundle and one application give one verdict, to the byte, wherever it is computed.
// Native Rust gives the expected text for each of the 1,000 German credit rows; Node, workerd and Chromium run the
// packed npm package on the very same inputs, with the full bundle and with its public part. So for a bundle that scores
// by a scorecard, and for one that scores by boosted trees.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { scorecardBundle, treeBundle } from './bundles.mjs';
import { nativeVerdicts, pointsOf } from './native.mjs';
import { inChromium, inNode, inWorkerd, unpack } from './runtimes.mjs';

const ROWS = 1000;
const OCCURRENCES_MIN = 20;
const RUNTIMES = [
  ['Node', inNode],
  ['workerd', inWorkerd],
  ['Chromium', inChromium],
];

let folder;
const points = {};

before(() => {
  folder = unpack();
});

for (const [kind, make] of [
  ['scorecard', scorecardBundle],
  ['trees', treeBundle],
]) {
  describe(`a bundle that scores by ${kind}`, () => {
    let native;
    let bundles;
    let keys;

    before(() => {
      const files = make();
      bundles = { full: readFileSync(files.full, 'utf8'), public: readFileSync(files.public, 'utf8') };
      keys = [JSON.parse(readFileSync(files.key, 'utf8'))];
      native = nativeVerdicts(files);
      points[kind] = native.map(({ decide }) => pointsOf(JSON.parse(decide)));
    });

    test('every row is decided, and every outcome is common enough to mean something', (t) => {
      assert.equal(native.length, ROWS);
      const decided = outcomes(native, 'decide');
      const estimated = outcomes(native, 'prequalify');
      t.diagnostic(`full bundle: ${JSON.stringify(decided)}; public bundle: ${JSON.stringify(estimated)}`);
      for (const outcome of ['eligible', 'referred', 'declined', 'needs']) {
        assert.ok((decided[outcome] ?? 0) >= OCCURRENCES_MIN, `${outcome}: ${decided[outcome] ?? 0} rows`);
      }
      for (const outcome of ['likely', 'needs', 'continue']) {
        assert.ok(
          (estimated[outcome] ?? 0) >= OCCURRENCES_MIN,
          `${outcome}: ${estimated[outcome] ?? 0} rows`,
        );
      }
    });

    for (const [name, run] of RUNTIMES) {
      // gorules jdm-editor #236: native and WebAssembly differ, because decimals are cut off.
      test(`${name} gives native Rust's bytes for all rows, full and public`, async () => {
        const inputs = native.map((row) => row.input);
        const answers = await run(folder, bundles, keys, inputs);
        assert.equal(answers.length, ROWS);
        const different = answers.flatMap((answer, index) =>
          ['decide', 'prequalify']
            .filter((call) => answer[call] !== native[index][call])
            .map((call) => `row ${index}, ${call}: ${difference(native[index][call], answer[call])}`),
        );
        for (const line of different) console.error(line);
        assert.equal(different.length, 0, `${different.length} verdicts differ; the first: ${different[0]}`);
      });
    }
  });
}

test('trees and scorecard score most rows differently, so that each was really compared', (t) => {
  const scored = points.trees.filter((given) => given !== undefined);
  const different = points.trees.filter((given, row) => given !== points.scorecard[row]);
  t.diagnostic(`${scored.length} rows scored by trees, ${new Set(scored).size} different scores`);
  assert.ok(scored.length > ROWS / 2 && different.length > scored.length / 2);
});

function outcomes(native, call) {
  const counts = {};
  for (const row of native) {
    const { outcome } = JSON.parse(row[call]);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

function difference(expected, actual) {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at += 1;
  const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 40), at + 40));
  return `at character ${at} native has ${around(expected)}, here ${around(actual)}`;
}
