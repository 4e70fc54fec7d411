// How long one whole decision takes through the npm package's public functions in Node: values in, values out.
// `cargo xtask bench decide` runs it with PREQUAL_BUNDLE and PREQUAL_BUNDLE_KEY.
// The applications are the 1,000 German credit rows, as in the native measurement beside this file.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const WARM_UP_PASSES = 5;
const PASSES = 20;
const QUOTES = 4;
const root = join(import.meta.dirname, '../..');
const { PREQUAL_BUNDLE, PREQUAL_BUNDLE_KEY } = process.env;
if (PREQUAL_BUNDLE === undefined || PREQUAL_BUNDLE_KEY === undefined) {
  console.error('PREQUAL_BUNDLE and PREQUAL_BUNDLE_KEY are not set: cargo xtask bench decide');
  process.exit(2);
}

const prequal = await import(pathToFileURL(join(root, 'www/node_modules/prequal/node.js')));
prequal.initSync();
const bundle = await prequal.loadBundle(readFileSync(PREQUAL_BUNDLE, 'utf8'), {
  keys: [JSON.parse(readFileSync(PREQUAL_BUNDLE_KEY, 'utf8'))],
});
const inputs = readInputs();
const whole = inputs.filter((input) => prequal.decide(bundle, input).offers.length === QUOTES);
const short = inputs.filter((input) => !whole.includes(input));
console.log(`  ${inputs.length} applications: ${whole.length} come to ${QUOTES} quotes, ${short.length} stop earlier`);
console.log(`  Node ${process.version}, one thread, ${PASSES} passes after ${WARM_UP_PASSES} to warm up`);
console.log(`  ${cpus()[0]?.model}, ${cpus().length} cores`);
measure('decide, whole', (input) => prequal.decide(bundle, input), whole);
const texts = whole.map((input) => JSON.stringify(input));
measure('decideCanonical, text to text, whole', (text) => prequal.decideCanonical(bundle, text), texts);
measure('decide, stops earlier', (input) => prequal.decide(bundle, input), short);

/** Each call timed by itself; percentiles in microseconds. */
function measure(name, call, values) {
  const times = new Float64Array(values.length * PASSES);
  let at = 0;
  for (let pass = 0; pass < WARM_UP_PASSES + PASSES; pass += 1) {
    for (const value of values) {
      const started = process.hrtime.bigint();
      call(value);
      const took = Number(process.hrtime.bigint() - started) / 1000;
      if (pass >= WARM_UP_PASSES) times[at++] = took;
    }
  }
  times.sort();
  const percentile = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1);
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const rate = Math.round(1e6 / mean);
  console.log(`  ${name.padEnd(38)} p50 ${percentile(0.5)} us  p99 ${percentile(0.99)} us  ${rate} decisions/s`);
}

/** Each row of the data as a whole application; the bureau's evidence carries the columns' names. */
function readInputs() {
  const parse = (line) => [...line.matchAll(/("([^"]*)"|[^,]*)(,|$)/g)].map((cell) => cell[2] ?? cell[1]);
  const [header, ...lines] = readFileSync(join(root, 'tests/data/german_credit.csv'), 'utf8').trim().split('\n');
  const columns = parse(header);
  const form = bundle.form().steps.flatMap((step) => step.fields);
  const answers = {
    person_name: 'Ada Byron',
    date: '1990-02-28',
    email: 'ada@example.com',
    phone: '+12125550123',
    money: 420_000,
    text: 'none',
    consent: true,
  };
  const fields = Object.fromEntries(form.map(({ id, type, choices }) => [id, choices?.[0]?.value ?? answers[type]]));
  const own = { assurance: 'third_party', source: 'sandbox-bureau' };
  return lines.map((line, row) => {
    const cells = parse(line);
    const evidence = {};
    for (const key of bundle.evidenceKeys) {
      const text = key === 'monthly_income' ? '600000' : (cells[columns.indexOf(key)] ?? '');
      const value = /^\d+$/.test(text) ? Number(text) : text;
      evidence[key] = text === '' ? { missing: 'no_record' } : { value, ...own };
    }
    return {
      application: { order: { amount: 129_900, currency: 'USD' }, fields },
      evidence,
      salt: row.toString(16).padStart(64, '0'),
      as_of: '2026-11-23T08:00:00Z',
      today: '2026-11-23',
    };
  });
}
