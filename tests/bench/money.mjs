// How long a quote takes in Node: the core in WebAssembly by itself, through the npm package's public functions, and
// the same work in `financial` of npm. `cargo xtask bench money` runs it.
//
// Each figure is the least of several rounds; a round repeats one call until it takes long enough to be timed. Inside
// WebAssembly the repeating is done there, so that the way in and out is not counted; the package's functions take and
// give values, so there it is.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROUNDS = 25;
const ROUND_MS = 4;
const CONVENTIONS = ['us_reg_z', 'eu_aprc', 'uk', 'cn_irr', 'ifrs_eir'];
const PLAIN = 'equal_installment';
const root = join(import.meta.dirname, '../..');
const { PREQUAL_MONEY, PREQUAL_NATIVE, PREQUAL_PEER } = process.env;
if (PREQUAL_MONEY === undefined || PREQUAL_NATIVE === undefined) {
  console.error('PREQUAL_MONEY and PREQUAL_NATIVE are not set: cargo xtask bench money');
  process.exit(2);
}
const require = createRequire(import.meta.url);
const native = JSON.parse(readFileSync(PREQUAL_NATIVE, 'utf8'));

/** Microseconds of one call; `work` is told how often to repeat it. */
function time(work) {
  let repeats = 1;
  for (let took = 0; took < ROUND_MS; repeats *= 2) {
    const started = performance.now();
    work(repeats);
    took = performance.now() - started;
  }
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    work(repeats);
    best = Math.min(best, (performance.now() - started) / repeats);
  }
  return best * 1000;
}

const repeat = (call) =>
  time((repeats) => {
    for (let index = 0; index < repeats; index += 1) call();
  });
const us = (value) => value.toFixed(2).padStart(10);
const times = (value, by) => `${(value / by).toFixed(value < by ? 2 : 1)}x`.padStart(8);

console.log(`  Node ${process.version}, one thread, least of ${ROUNDS} rounds; ${cpus()[0]?.model}`);
console.log('  microseconds inside WebAssembly, and how many times the native figure of this run');
console.log(`  ${'method'.padEnd(20)} count   schedule       rate      quote`);
const money = new (require(PREQUAL_MONEY).Money)();
const wasm = {};
money
  .names()
  .trim()
  .split('\n')
  .forEach((name, index) => {
    const [method, count] = name.split(' ');
    const plan = time((repeats) => money.schedules(index, repeats));
    const rate = time((repeats) => money.rates(index, 0, repeats));
    const whole = native[`${name} schedule`] + native[`${name} us_reg_z`];
    console.log(
      `  ${method.padEnd(20)} ${count.padStart(5)} ${us(plan)} ${us(rate)} ${us(plan + rate)} ${times(plan + rate, whole)}`,
    );
    wasm[name] = { plan, rate, index };
  });
for (const count of ['12', '360']) {
  CONVENTIONS.forEach((convention, place) => {
    const rate = time((repeats) => money.rates(wasm[`${PLAIN} ${count}`].index, place, repeats));
    console.log(`  rate of ${count.padStart(3)} instalments by ${convention.padEnd(10)} ${us(rate)}`);
  });
}

const prequal = await import(pathToFileURL(join(root, 'www/node_modules/prequal/node.js')));
prequal.initSync();
const peer = PREQUAL_PEER === undefined ? undefined : require(PREQUAL_PEER);
console.log('\n  the same work, microseconds, and how many times the figure inside WebAssembly');
for (const count of [12, 36, 360]) {
  const { plan, rate } = wasm[`${PLAIN} ${count}`];
  const terms = {
    currency: 'USD',
    principal: 129_900,
    start: '2026-01-15',
    rate: { annual_percent: '12.9', day_count: '30/360' },
    repayment: { method: PLAIN, count, every: 'P1M' },
  };
  const { installments } = prequal.schedule(terms);
  const flows = {
    convention: 'us_reg_z',
    currency: 'USD',
    advances: [{ date: terms.start, amount: terms.principal }],
    payments: installments.map(({ due, total }) => ({ date: due, amount: total })),
  };
  const line = (what, took, by) =>
    console.log(`  ${String(count).padStart(3)} ${what.padEnd(62)} ${us(took)} ${times(took, by)}`);
  line('schedule, prequal inside WebAssembly', plan, plan);
  line(
    'schedule, prequal through the npm package, values in and out',
    repeat(() => prequal.schedule(terms)),
    plan,
  );
  if (peer) {
    const monthly = 0.129 / 12;
    const periods = Array.from({ length: count }, (_, index) => index + 1);
    const amortise = () => {
      const level = peer.pmt(monthly, count, -1299);
      return periods.map((period) => [
        level,
        peer.ipmt(monthly, period, count, -1299),
        peer.ppmt(monthly, period, count, -1299),
      ]);
    };
    line('schedule, financial: pmt, ipmt and ppmt, unrounded, without dates', repeat(amortise), plan);
  }
  line('rate, prequal inside WebAssembly', rate, rate);
  line(
    'rate, prequal through the npm package, values in and out',
    repeat(() => prequal.apr(flows)),
    rate,
  );
  if (peer) {
    const level = installments[0].total / 100;
    const values = [-1299, ...installments.map(({ total }) => total / 100)];
    line(
      'rate, financial: rate of equal payments',
      repeat(() => peer.rate(count, -level, 1299, 0)),
      rate,
    );
    line(
      'rate, financial: irr of the list',
      repeat(() => peer.irr(values)),
      rate,
    );
    const [ours, theirs] = [prequal.apr(flows).apr_percent_exact, peer.irr(values) * 1200];
    console.log(`      the rates found: prequal ${ours} %, financial ${theirs.toFixed(6)} %`);
  }
}
