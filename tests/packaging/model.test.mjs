// Model files of other libraries, imported, then scored by the installed package: the margins have the library's bits.
// Origin of models, rows and margins: tests/vectors/score/README.md.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import test from 'node:test';
import { project, read, root } from './support.mjs';

const folder = join(root, 'tests/vectors/score');
const program = process.env.PREQUAL_PROGRAM ?? join(root, 'target/debug/prequal');
const models = readdirSync(folder).filter(
  (name) =>
    !/\.(expected\.json|input\.csv|md)$/.test(name) && /^(xgboost|lightgbm|catboost|onnx)_/.test(name),
);

function imported(shop, name) {
  const out = join(shop, `${name}.imported.json`);
  execFileSync(program, ['import', '--from', name.split('_')[0], join(folder, name), '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return readFileSync(out);
}

/** As Python writes floats. */
function number(cell) {
  if (cell === '' || cell === 'nan') return Number.NaN;
  const value = Number(cell.replace('inf', 'Infinity'));
  assert.ok(!Number.isNaN(value), `${cell} is no number`);
  return value;
}

function rows(name, features) {
  const [head, ...lines] = read(join(folder, `${name}.input.csv`))
    .trim()
    .split('\n');
  const columns = head.split(',');
  const places = features.map((feature) => columns.indexOf(feature));
  assert.ok(!places.includes(-1), `${name}: a feature is no column`);
  return lines.map((line) => {
    const cells = line.split(',');
    return Float64Array.from(places, (place) => number(cells[place]));
  });
}

function bits(value, width) {
  const view = new DataView(new ArrayBuffer(8));
  if (width === 32) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return Buffer.from(view.buffer, 0, width / 8).toString('hex');
}

async function installed(t) {
  const shop = project(t);
  const prequal = await import(`${shop}/node_modules/prequal/node.js`);
  await prequal.init();
  const engine = await import(`${shop}/node_modules/prequal/engine.js`);
  return { shop, prequal, engine };
}

test("every model of another library gives that library's bits", async (t) => {
  const { shop, prequal } = await installed(t);
  assert.ok(models.length >= 10, `${models.length} models`);
  for (const file of models) {
    const name = basename(file, extname(file));
    const expected = JSON.parse(read(join(folder, `${name}.expected.json`))).margin_bits;
    const model = prequal.loadModel(imported(shop, file));
    const given = rows(name, model.features);
    assert.equal(given.length, expected.length, name);
    given.forEach((row, index) => {
      assert.equal(bits(model.score(row), model.width), expected[index], `${name}, row ${index + 1}`);
    });
    const all = new Float64Array(given.length * model.features.length);
    for (const [index, row] of given.entries()) all.set(row, index * row.length);
    const margins = model.scoreRows(all);
    assert.deepEqual(
      Array.from(margins, (margin) => bits(margin, model.width)),
      expected,
      name,
    );
  }
});

test('a row of another length is refused, and the next one is scored', async (t) => {
  const { shop, prequal } = await installed(t);
  const model = prequal.loadModel(imported(shop, 'xgboost_taiwan_small.json'));
  const [row] = rows('xgboost_taiwan_small', model.features);
  const margin = model.score(row);
  for (const length of [0, 1, row.length - 1, row.length + 1, 10_000]) {
    assert.throws(() => model.score(new Float64Array(length)), { name: 'PrequalError', code: 'row_length' });
    assert.equal(model.score(row), margin);
  }
  for (const length of [1, row.length - 1, row.length + 1, row.length * 2 + 1]) {
    assert.throws(() => model.scoreRows(new Float64Array(length)), {
      name: 'PrequalError',
      code: 'row_length',
    });
  }
  assert.equal(model.scoreRows(new Float64Array()).length, 0);
});

test('models keep their rows apart, while the memory grows and after a trap', async (t) => {
  const { shop, prequal, engine } = await installed(t);
  const names = ['xgboost_taiwan_small', 'lightgbm_categories'];
  const loaded = names.map((name) => {
    const file = models.find((file) => file.startsWith(`${name}.`));
    const model = prequal.loadModel(imported(shop, file));
    return { model, rows: rows(name, model.features) };
  });
  const score = () => loaded.map(({ model, rows }) => rows.slice(0, 20).map((row) => model.score(row)));
  const before = score();
  // Eight megabytes of rows: more than the memory that the module begins with.
  const [{ model }] = loaded;
  model.scoreRows(new Float64Array(model.features.length * 45_000));
  assert.deepEqual(score(), before);
  assert.throws(
    () =>
      engine.run(() => {
        throw new WebAssembly.RuntimeError('unreachable');
      }),
    { code: 'engine_trap' },
  );
  assert.deepEqual(score(), before);
});

test('a damaged model file is refused by name', async (t) => {
  const { shop, prequal } = await installed(t);
  const file = imported(shop, 'xgboost_taiwan_small.json');
  const refused = (bytes, what) =>
    assert.throws(
      () => prequal.loadModel(bytes),
      (error) => error.name === 'PrequalError' && /^model_/.test(error.code) && !/\n/.test(error.message),
      what,
    );
  refused('', 'nothing');
  refused('{}', 'an empty object');
  refused(Uint8Array.of(0xff, 0xfe), 'no UTF-8');
  refused('['.repeat(100_000), 'depth');
  for (let cut = 0; cut < file.length - 1; cut += Math.ceil(file.length / 97)) {
    refused(file.subarray(0, cut), `cut after ${cut} bytes`);
  }
  for (let at = 0; at < file.length - 1; at += Math.ceil(file.length / 211)) {
    const bytes = Uint8Array.from(file);
    bytes[at] ^= 0x01;
    refused(bytes, `byte ${at} changed`);
  }
});
