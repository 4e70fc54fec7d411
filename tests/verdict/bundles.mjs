// The bundles whose verdicts are compared: the demo's, which scores by points, and one that scores by boosted trees.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const demo = join(root, 'target/demo');
const key = (part) => join(demo, `keys/bundle.${part}.jwk`);

/** 600 points are odds of fifty to one, and 20 double them: the scale that the demo's tables are written for. */
const SCALING = 'scaling = { points_to_double_odds = "20", base_score = 600, base_odds = "50" }';

/** The demo's bundle, as `cargo xtask test --stage artefacts` made it. */
export function scorecardBundle() {
  return {
    full: join(demo, 'bundle.full.json'),
    public: join(demo, 'bundle.public.json'),
    key: key('public'),
  };
}

/** The demo's policy with the trees that were fitted beside its scorecard, built and signed as a lender would. */
export function treeBundle() {
  const folder = mkdtempSync(join(tmpdir(), 'prequal-trees-'));
  const sources = join(folder, 'policy');
  cpSync(join(root, 'www/shop/policy'), sources, { recursive: true });
  const head = join(sources, 'bundle.toml');
  const before = readFileSync(head, 'utf8');
  const after = before.replace('[model]\n', `[model]\n${SCALING}\n`);
  if (after === before) throw new Error('the policy of the demo has no `[model]`');
  writeFileSync(head, after);
  const file = (name) => join(folder, `${name}.json`);
  const prequal = (...words) =>
    execFileSync(process.env.PREQUAL_PROGRAM ?? join(root, 'target/debug/prequal'), ['bundle', ...words], {
      encoding: 'utf8',
    });
  const sign = (from, to) => prequal('sign', '--key', key('private'), from, '--out', to);
  prequal('build', sources, '--model', join(demo, 'model/trees.json'), '--out', file('unsigned'));
  sign(file('unsigned'), file('full'));
  prequal('split', file('full'), '--out', file('part'));
  sign(file('part'), file('public'));
  const said = JSON.parse(prequal('inspect', file('full')));
  if (said.model.kind !== 'trees') throw new Error(`the bundle scores by ${said.model.kind}`);
  return { full: file('full'), public: file('public'), key: key('public') };
}
