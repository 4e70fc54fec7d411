// Claim: the score and its reasons follow from what the model uses, and from nothing else. In scored applications of
// the German credit data each item of evidence is flipped to every other value that the data knows.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { scorecardBundle, treeBundle } from './bundles.mjs';
import { nativeVerdicts, pointsOf } from './native.mjs';
import { unpack } from './runtimes.mjs';

const APPLICATIONS = 100;
let prequal;

before(async () => {
  prequal = await import(pathToFileURL(join(unpack(), 'node.js')));
  await prequal.init();
});

for (const [kind, make] of [
  ['scorecard', scorecardBundle],
  ['trees', treeBundle],
]) {
  describe(`a bundle that scores by ${kind}`, () => {
    let decide;
    let features;
    let used;
    let values;
    let applications;
    let payload;

    before(async () => {
      const files = make();
      const text = readFileSync(files.full, 'utf8');
      const bundle = await prequal.loadBundle(text, { keys: [JSON.parse(readFileSync(files.key, 'utf8'))] });
      decide = (input) => prequal.decide(bundle, input);
      const { payload: signed } = JSON.parse(text);
      payload = typeof signed === 'string' ? JSON.parse(Buffer.from(signed, 'base64url')) : signed;
      features = kind === 'trees' ? payload.model.trees.features : payload.model.scorecard.features;
      const columns = kind === 'trees' ? payload.model.trees.columns : [];
      const tested = new Set(columns.map((column) => column.feature));
      used = features.filter((_, index) => kind !== 'trees' || tested.has(index));
      const inputs = nativeVerdicts(files).map(({ input }) => JSON.parse(input));
      values = new Map();
      for (const { evidence } of inputs) {
        for (const [key, item] of Object.entries(evidence)) {
          if ('value' in item) values.set(key, (values.get(key) ?? new Set()).add(item.value));
        }
      }
      applications = inputs.filter((input) => {
        const decision = decide(input);
        return pointsOf(decision) !== undefined && scoreReasons(decision).length > 0;
      });
      assert.ok(applications.length >= APPLICATIONS, `${applications.length} with reasons from the score`);
      applications = applications.slice(0, APPLICATIONS);
    });

    /** Codes that only the model gives, of those in a decision. */
    function scoreReasons(decision) {
      const codes = new Set(features.map((feature) => feature.reason));
      return decision.reasons.map((reason) => reason.code).filter((code) => codes.has(code));
    }

    /** Evidence that may serve the score and nothing else: what it changes, it changes through the model. */
    function onlyScored() {
      const found = payload.features.filter(({ from, uses }) => from.evidence && uses.join() === 'score');
      assert.ok(found.length >= 5, `${found.length} features`);
      return found;
    }

    function flipped(input, key, value) {
      const item = { value, assurance: 'third_party' };
      return { ...input, evidence: { ...input.evidence, [key]: item } };
    }

    test('a feature that the model uses moves the score, and one that it does not use moves nothing', (t) => {
      let flips = 0;
      const still = [];
      for (const { id, from } of onlyScored()) {
        const isUsed = used.some(({ name }) => name === id);
        let moved = false;
        for (const input of applications) {
          const seen = new Set();
          let first;
          for (const value of values.get(from.evidence)) {
            const { trace, reasons, outcome } = decide(flipped(input, from.evidence, value));
            seen.add(pointsOf({ trace }));
            first ??= { reasons, outcome };
            if (!isUsed) assert.deepEqual({ reasons, outcome }, first, id);
            flips += 1;
          }
          if (!isUsed) assert.equal(seen.size, 1, `${id} moves the score`);
          moved ||= seen.size > 1;
        }
        if (isUsed) assert.ok(moved, `${id} moves no score`);
        else still.push(id);
      }
      t.diagnostic(
        `${flips} decisions; used by the table of features, not by the model: ${still.join(', ') || 'none'}`,
      );
    });

    test('a reason is gone when its feature is as good as that with which it is compared', (t) => {
      let gone = 0;
      for (const { id, from } of onlyScored()) {
        const feature = used.find(({ name }) => name === id);
        if (feature === undefined) continue;
        assert.equal(features.filter(({ reason }) => reason === feature.reason).length, 1);
        const best = compared(feature);
        for (const input of applications) {
          if (!scoreReasons(decide(input)).includes(feature.reason)) continue;
          const after = scoreReasons(decide(flipped(input, from.evidence, best)));
          assert.ok(!after.includes(feature.reason), `${id} is ${best} and still a reason`);
          gone += 1;
        }
      }
      assert.ok(gone >= APPLICATIONS / 2, `${gone} reasons`);
      t.diagnostic(`${gone} reasons`);
    });

    test('no reason names a feature that the model does not use', () => {
      const codes = new Set(used.map(({ reason }) => reason));
      for (const input of applications) {
        for (const { from } of onlyScored()) {
          for (const value of values.get(from.evidence)) {
            for (const code of scoreReasons(decide(flipped(input, from.evidence, value)))) {
              assert.ok(codes.has(code), `${code} is of no feature in the model`);
            }
          }
        }
      }
    });

    /** The value at which a feature costs nothing: a card's best, or the pinned baseline of trees. */
    function compared(feature) {
      if (kind === 'trees') {
        const at = Number(payload.model.trees.baseline[features.indexOf(feature)]);
        return feature.categories === undefined ? at : feature.categories[at];
      }
      const best = feature.bins.reduce((best, bin) => (bin.points > best.points ? bin : best));
      const found = best.categories?.[0];
      assert.notEqual(found, undefined, `${feature.name} is not of categories`);
      return found;
    }
  });
}
