// Prints what a browser downloads, and exits with 1 when a budget of size-budget.json is passed.
// `gzip_bytes_max` is the budget, what each part may bring, added up. Where it is not reached yet,
// `gzip_bytes_grown_max` beside it keeps the size from growing meanwhile: with --ratchet a missed budget within it
// exits with 3, so that a caller can tell the two apart.
// usage: node size.mjs PACKAGE_FOLDER [--ratchet]
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const MISSED = 3;
const folder = process.argv[2];
const ratchet = process.argv[3] === '--ratchet';
if (folder === undefined) {
  console.error('usage: node size.mjs PACKAGE_FOLDER [--ratchet]');
  process.exit(2);
}
const budgets = JSON.parse(readFileSync(join(import.meta.dirname, 'size-budget.json'), 'utf8'));
const scripts = (name) =>
  readdirSync(join(folder, name)).filter(
    (file) => file.endsWith('.js') && file !== 'node.js' && file !== 'workerd.js',
  );
const groups = { 'prequal.wasm': ['prequal.wasm'], 'prequal (js)': scripts('.') };
try {
  groups['prequal/element (js)'] = readdirSync(join(folder, 'element'), { recursive: true })
    .filter((file) => file.endsWith('.js'))
    .map((file) => join('element', file));
} catch {
  // A package without the elements yet.
}

let missed = false;
let grown = false;
console.log('                             raw     gzip -9  brotli -11');
for (const [group, files] of Object.entries(groups)) {
  const bytes = Buffer.concat(files.map((file) => readFileSync(join(folder, file))));
  const gzip = gzipSync(bytes, { level: 9 }).length;
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
  const column = (number) => String(number).padStart(11);
  const parts = budgets[group]?.gzip_bytes_max;
  const max = parts && Object.values(parts).reduce((sum, part) => sum + part, 0);
  const budget = max === undefined ? '' : `  budget ${max} gzip, ${((100 * gzip) / max).toFixed(0)} % used`;
  console.log(`${group.padEnd(22)}${column(bytes.length)}${column(gzip)}${column(brotli)}${budget}`);
  if (max !== undefined && gzip > max) {
    console.error(`${group} has ${gzip} bytes after gzip; the budget is ${max}`);
    missed = true;
    const most = budgets[group].gzip_bytes_grown_max ?? max;
    if (gzip > most) {
      console.error(`${group} has grown beyond ${most} bytes`);
      grown = true;
    }
  }
}
process.exit(!missed ? 0 : ratchet && !grown ? MISSED : 1);
