// What native Rust says of the 1,000 German credit rows, each as a whole application.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** What native Rust says of each row: `input`, `decide`, `prequalify`. */
export function nativeVerdicts(files) {
  const lines = execFileSync(
    'cargo',
    [
      ...['run', '--quiet', '--package', 'prequal-acceptance', '--example', 'german_verdicts', '--'],
      ...[files.full, files.public, files.key],
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The points in a decision's trace, where it came so far. */
export function pointsOf({ trace }) {
  const line = trace.find((said) => said.startsWith('score '));
  return line && Number(/points=(-?\d+)/.exec(line)[1]);
}
