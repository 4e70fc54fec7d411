// How long one row through boosted trees takes in Node, through the npm package and in `onnxruntime-web`, and the whole
// table. `cargo xtask bench score` runs it, after the native measurement and the one in Python.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const ROUNDS = 15;
const BATCH = 10_000;
const AIMS = { row: 600, wasm: 1000, first: 200_000, load: 2_000_000, bytes: 25 * 1024 };
const root = join(import.meta.dirname, '../..');
const folder = process.env.PREQUAL_SCORE;
if (folder === undefined) {
  console.error('PREQUAL_SCORE is not set: cargo xtask bench score');
  process.exit(2);
}
const json = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const numbers = (name) => {
  const bytes = readFileSync(join(folder, name));
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const rows = numbers('rows.f64');
const margins = numbers('margins.f64');
const width = rows.length / margins.length;
const file = readFileSync(join(folder, 'model.json'));
const figures = { ...json('native.json'), ...json('peers.json') };

const since = (started) => (performance.now() - started) * 1e6;
async function least(count, work) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    await work();
    best = Math.min(best, since(started) / count);
  }
  return best;
}

const prequal = await import(pathToFileURL(join(root, 'www/node_modules/prequal/node.js')));
prequal.initSync();
let started = performance.now();
let model = prequal.loadModel(file);
const cold = since(started);
const all = Array.from(margins, (_, index) => rows.slice(index * width, (index + 1) * width));
started = performance.now();
model.score(all[0]);
figures['wasm first'] = since(started);
figures['wasm load'] = await least(1, () => {
  model = prequal.loadModel(file);
});
const different = all.filter((row, index) => !Object.is(model.score(row), margins[index])).length;
if (different > 0) throw new Error(`${different} margins have other bits in WebAssembly`);
console.log(`  ${margins.length} margins have the library's bits in WebAssembly`);
const some = all.slice(0, BATCH);
figures['wasm row'] = await least(BATCH, () => {
  for (const row of some) model.score(row);
});
const batch = rows.slice(0, BATCH * width);
figures['wasm batch'] = await least(BATCH, () => model.scoreRows(batch));

if (process.env.PREQUAL_PEER !== undefined) {
  const ort = createRequire(import.meta.url)(process.env.PREQUAL_PEER);
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(join(folder, 'model.onnx')));
  const feed = (values) => {
    const count = values.length / width;
    return { [session.inputNames[0]]: new ort.Tensor('float32', Float32Array.from(values), [count, width]) };
  };
  const [one, many] = [feed(all[0]), feed(batch)];
  figures['onnxruntime-web row'] = await least(200, async () => {
    for (let index = 0; index < 200; index += 1) await session.run(one);
  });
  figures['onnxruntime-web batch'] = await least(BATCH, () => session.run(many));
}

const line = (name, value, by, aim) => {
  const ratio = by === undefined ? '' : `${(value / by).toFixed(1)}x`;
  const met = aim === undefined ? '' : value < aim ? `  aim ${aim}: met` : `  aim ${aim}: MISSED`;
  console.log(`  ${name.padEnd(34)} ${value.toFixed(0).padStart(10)} ${ratio.padStart(9)}${met}`);
};
console.log('\n  one row, nanoseconds, and how many times ours, native');
const own = figures['prequal row'];
line('prequal, native', own, own, AIMS.row);
line('prequal, Node, copy of inputs in it', figures['wasm row'], own, AIMS.wasm);
for (const name of ['tl2cgen', 'XGBoost', 'LightGBM', 'onnxruntime-web']) {
  if (figures[`${name} row`] !== undefined) line(name, figures[`${name} row`], own);
}
console.log('\n  a row of a batch on one core, nanoseconds, and how many times ours, native');
const many = figures['prequal batch'];
line('prequal, native', many, many);
line('prequal, Node', figures['wasm batch'], many);
for (const name of ['tl2cgen', 'XGBoost', 'LightGBM', 'onnxruntime-web']) {
  if (figures[`${name} batch`] !== undefined) line(name, figures[`${name} batch`], many);
}
console.log(`  ${(1e9 / many / 1e6).toFixed(2)} million rows a second on one core, native`);
console.log('\n  nanoseconds to be ready, and bytes');
line('load, native', figures['prequal load'], undefined, AIMS.load);
line('load, Node, the first time', cold, undefined, AIMS.load);
line('load, Node, later', figures['wasm load'], undefined, AIMS.load);
line('first row, Node', figures['wasm first'], undefined, AIMS.first);
line('model file, bytes', file.length);
line('model file, gzip -9, bytes', gzipSync(file, { level: 9 }).length, undefined, AIMS.bytes);
