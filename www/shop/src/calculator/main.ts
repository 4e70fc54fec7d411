/** The cost calculator: what stands in the form is worked out again with every movement of a slider. */
import { init, PrequalError } from 'prequal';
import { byId } from '../page.js';
import { type Drawing, drawChart, drawKeys } from './chart.js';
import { cost, type Fields, type Figures, figuresOf, priceOf, Unreadable } from './figures.js';
import { basisOf, type Law, lawOf, laws, notice } from './law.js';
import { h } from './nodes.js';

/** How long the sliders rest before a screen reader is told, so that it is told once. */
const ANNOUNCE_MS = 700;
const DIALS = ['amount', 'rate', 'fee', 'count'] as const;
const SLIDER_ENDS = { interest: '0.1', fee: '0.01', nothing: '0.1' } as const;
const FEE_PERCENT_MAX = 4;
/** Different payments that are told one by one. */
const RUNS_MAX = 3;

const form = byId<HTMLFormElement>('terms');
const firstDue = byId<HTMLInputElement>('first-due');
/** Whether the person chose the first due date; else it follows from the start. */
let ownFirstDue = false;
let shown: Drawing | undefined;
let queued = 0;
let announcing = 0;

const dateFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const day = (date: string): string => dateFormat.format(new Date(`${date}T00:00:00Z`));
const formats = new Map<string, Intl.NumberFormat>();

function money(minor: number, currency: string, brief = false): string {
  const key = `${currency}${brief}`;
  let format = formats.get(key);
  if (format === undefined) {
    const digits = brief ? { notation: 'compact' as const, maximumFractionDigits: 1 } : {};
    format = new Intl.NumberFormat('en-US', {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
      ...digits,
    });
    formats.set(key, format);
  }
  // The form takes no amount that a double would not hold exactly.
  return format.format(minor / 100);
}

function input(name: string): HTMLInputElement {
  return byId<HTMLInputElement>(name);
}

function fields(): Fields {
  const value = (name: string): string => (form.elements.namedItem(name) as HTMLInputElement).value;
  return {
    amount: value('amount'),
    method: value('method'),
    rate: value('rate'),
    fee: value('fee'),
    count: value('count'),
    every: value('every'),
    start: value('start'),
    first_due: ownFirstDue ? firstDue.value : '',
  };
}

function law(): Law {
  return lawOf(byId<HTMLSelectElement>('law').value);
}

/** Sliders show what the fields say, as far as they reach; the price's name follows the method. */
function tune(given: Fields, chosen: Law): void {
  const price = priceOf(given.method);
  byId('rate-field').hidden = price === 'nothing';
  byId('count-field').hidden = given.method === 'single';
  const name = price === 'fee' ? 'Fee with each payment' : 'Interest a year';
  byId('rate-label').textContent = `${name}, %${price === 'fee' ? ' of the amount' : ''}`;
  const slider = input('rate-slider');
  slider.setAttribute('aria-label', name);
  slider.max = String(price === 'fee' ? FEE_PERCENT_MAX : chosen.rate_percent_max);
  slider.step = SLIDER_ENDS[price];
  for (const dial of DIALS) {
    const one = input(`${dial}-slider`);
    if (document.activeElement !== one) one.value = input(dial).value;
    one.setAttribute('aria-valuetext', spoken(dial, given, chosen));
  }
}

function spoken(dial: (typeof DIALS)[number], given: Fields, chosen: Law): string {
  if (dial === 'count') return `${given.count} payments`;
  return dial === 'amount' ? `${given.amount} ${chosen.currency}` : `${given[dial]} %`;
}

function update(): void {
  queued = 0;
  const given = fields();
  const chosen = law();
  tune(given, chosen);
  try {
    const figures = figuresOf(given, chosen);
    problems(new Map());
    show(figures, chosen);
  } catch (error) {
    if (error instanceof Unreadable) problems(error.problems);
    else if (error instanceof PrequalError) refuse(error.message);
    else throw error;
  }
  remember(given, chosen);
}

/** Once a frame, however often a slider reports. */
function queue(): void {
  if (queued === 0) queued = requestAnimationFrame(update);
}

function problems(found: ReadonlyMap<string, string>): void {
  for (const name of ['amount', 'rate', 'fee', 'count', 'start', 'first_due']) {
    const id = name.replace('_', '-');
    const problem = found.get(name);
    byId(`${id}-error`).textContent = problem ?? '';
    input(id).setAttribute('aria-invalid', String(problem !== undefined));
  }
  byId('results').classList.toggle('stale', found.size > 0);
  const first = [...found.values()][0];
  if (first !== undefined) announce(first);
}

/** What the core would not work out: its own sentence. */
function refuse(message: string): void {
  byId('results').classList.add('stale');
  byId('verdict').className = 'verdict broken';
  byId('verdict').replaceChildren(h('p', { class: 'says' }, `This cannot be worked out: ${message}.`));
  byId('strip').textContent = 'This cannot be worked out';
  announce(message);
}

function show(figures: Figures, chosen: Law): void {
  const { schedule, terms } = figures;
  const amount = (minor: number): string => money(minor, chosen.currency);
  if (!ownFirstDue) firstDue.value = schedule.installments[0]?.due ?? '';
  byId('results').classList.remove('stale');
  byId('cost').replaceChildren(...costLines(figures, chosen, amount));
  byId('verdict').className = `verdict ${verdictOf(figures)}`;
  byId('verdict').replaceChildren(...verdictLines(figures, chosen));
  shown = {
    schedule,
    start: terms.start,
    money: amount,
    brief: (minor) => money(minor, chosen.currency, true),
    day,
  };
  drawChart(byId('chart'), shown);
  drawKeys(byId('keys'), shown);
  byId('table').replaceChildren(...table(figures, amount));
  const sentence = summary(figures, amount);
  byId('strip').textContent = sentence;
  byId('strip').className = `strip ${verdictOf(figures)}`;
  announce(sentence);
}

function verdictOf({ verdict }: Figures): 'none' | 'kept' | 'broken' {
  if (verdict.findings.length === 0) return 'none';
  return verdict.passes ? 'kept' : 'broken';
}

/** Equal payments in a row taken together; where they change too often, the least and the most. */
function payments({ schedule }: Figures, amount: (minor: number) => string): string {
  const runs: { total: number; count: number }[] = [];
  for (const { total } of schedule.installments) {
    const last = runs.at(-1);
    if (last?.total === total) last.count += 1;
    else runs.push({ total, count: 1 });
  }
  if (runs.length > RUNS_MAX) {
    const totals = runs.map((run) => run.total);
    return `${schedule.installments.length} of ${amount(Math.min(...totals))} to ${amount(Math.max(...totals))}`;
  }
  return runs
    .map(({ total, count }) => (count === 1 ? amount(total) : `${count} × ${amount(total)}`))
    .join(', ');
}

function costLines(figures: Figures, chosen: Law, amount: (minor: number) => string): HTMLElement[] {
  const { schedule, rate } = figures;
  const line = (name: string, value: string, aside?: string): HTMLElement =>
    h(
      'div',
      {},
      h('dt', {}, name),
      h('dd', {}, value, aside !== undefined && h('span', { class: 'aside' }, aside)),
    );
  const spent = schedule.installments.reduce((sum, row) => sum + cost(row), 0);
  const parts =
    schedule.total_fee > 0 && schedule.total_interest > 0
      ? `interest ${amount(schedule.total_interest)}, fees ${amount(schedule.total_fee)}`
      : undefined;
  const effective = rate.effective === undefined ? undefined : `compounded ${rate.effective} %`;
  return [
    line('Amount', amount(schedule.total_principal)),
    line('Payments', String(schedule.installments.length)),
    line('Each payment', payments(figures, amount)),
    line('Total', amount(schedule.total)),
    line(chosen.rate_name, rate.percent === undefined ? 'none' : `${rate.percent} %`, rate.why ?? effective),
    line('Cost of the credit', amount(spent), parts),
  ];
}

function verdictLines(figures: Figures, chosen: Law): HTMLElement[] {
  const { verdict } = figures;
  if (verdict.findings.length === 0)
    return [h('p', { class: 'says' }, 'No ceiling binds this contract on the day it is paid out.')];
  const broken = verdict.findings.filter((finding) => !finding.passes);
  const says = broken.length === 0 ? 'Within the ceiling' : 'Above the ceiling: this could not be offered';
  const lines = verdict.findings.map((finding) =>
    h(
      'li',
      { class: finding.passes ? 'kept' : 'broken' },
      h('strong', {}, finding.cap),
      ` ${finding.passes ? 'kept' : 'broken'}: ${measured(finding.measure)} ${finding.reached_percent} %, ceiling ${finding.ceiling_percent} %`,
      h('span', { class: 'aside' }, basisOf(chosen, finding.cap)),
    ),
  );
  const out: HTMLElement[] = [h('p', { class: 'says' }, says), h('ul', { class: 'findings' }, ...lines)];
  if (broken.length > 0) out.push(wayOut(broken[0]?.highest_price_percent, figures));
  return out;
}

function measured(measure: string): string {
  const names: Readonly<Record<string, string>> = {
    annual_rate: 'annual rate',
    daily_cost: 'cost a day',
    total_cost: 'total cost',
    late_fees: 'late fees',
    default_rate: 'annual rate in default',
  };
  return names[measure] ?? measure;
}

/** The highest price that would pass, one press away. */
function wayOut(highest: string | undefined, { terms }: Figures): HTMLElement {
  const price = priceOf(terms.repayment.method);
  if (highest === undefined || price === 'nothing')
    return h('p', {}, 'No price would pass: the charges beside it are too much alone.');
  const use = h('button', { type: 'button', class: 'button quiet', id: 'use-highest' }, `Use ${highest} %`);
  use.addEventListener('click', () => {
    input('rate').value = highest;
    input('rate').focus();
    update();
  });
  const what = price === 'fee' ? 'fee with each payment' : 'interest a year';
  return h(
    'p',
    { class: 'way-out' },
    h('span', {}, `The highest ${what} that would pass is ${highest} %.`),
    use,
  );
}

function table({ schedule }: Figures, amount: (minor: number) => string): HTMLElement[] {
  const names = ['No.', 'Due', 'Payment', 'Principal', 'Interest', 'Fees', 'Still owed'];
  const head = h('tr', {}, ...names.map((name) => h('th', { scope: 'col' }, name)));
  const rows = schedule.installments.map((row) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, String(row.number)),
      h('td', {}, day(row.due)),
      ...[row.total, row.principal, row.interest, row.fee, row.balance].map((each) =>
        h('td', {}, amount(each)),
      ),
    ),
  );
  const sums = [schedule.total, schedule.total_principal, schedule.total_interest, schedule.total_fee];
  const foot = h(
    'tr',
    {},
    h('th', { scope: 'row', colspan: 2 }, 'In all'),
    ...sums.map((each) => h('td', {}, amount(each))),
    h('td', {}),
  );
  return [h('thead', {}, head), h('tbody', {}, ...rows), h('tfoot', {}, foot)];
}

function summary(figures: Figures, amount: (minor: number) => string): string {
  const { schedule, rate, verdict } = figures;
  const standing = { none: 'no ceiling', kept: 'within the ceiling', broken: 'above the ceiling' };
  const broken = verdict.findings.find((finding) => !finding.passes)?.cap;
  return [
    payments(figures, amount),
    `total ${amount(schedule.total)}`,
    rate.percent === undefined ? undefined : `${rate.percent}\u00a0%`,
    `${standing[verdictOf(figures)]}${broken === undefined ? '' : ` ${broken}`}`,
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

function announce(sentence: string): void {
  clearTimeout(announcing);
  announcing = window.setTimeout(() => {
    const place = byId('announce');
    if (place.textContent !== sentence) place.textContent = sentence;
  }, ANNOUNCE_MS);
}

/** The terms stand in the address, so that a page can be sent to somebody. */
function remember(given: Fields, chosen: Law): void {
  const { first_due, ...rest } = given;
  const hash = new URLSearchParams({ law: chosen.id, ...rest, ...(first_due !== '' && { first_due }) });
  history.replaceState(null, '', `#${hash}`);
}

function recall(): void {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of hash) {
    const control = form.elements.namedItem(name);
    if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) control.value = value;
  }
  ownFirstDue = hash.has('first_due');
  const chosen = byId<HTMLSelectElement>('law');
  if (chosen.selectedIndex < 0) chosen.selectedIndex = 0;
}

function today(): string {
  const now = new Date();
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function start(): void {
  byId('law').append(...laws.map((each) => h('option', { value: each.id }, each.name)));
  byId('notice').textContent = notice;
  input('start').value = today();
  recall();
  for (const dial of DIALS) {
    const slider = input(`${dial}-slider`);
    slider.addEventListener('input', () => {
      input(dial).value = slider.value;
      queue();
    });
  }
  firstDue.addEventListener('input', () => {
    ownFirstDue = firstDue.value !== '';
  });
  form.addEventListener('input', queue);
  // A region that scrolls must be reached by the keyboard, which not every browser sees to.
  byId('table-region').tabIndex = 0;
  form.addEventListener('submit', (event) => event.preventDefault());
  new ResizeObserver(() => {
    if (shown !== undefined) drawChart(byId('chart'), shown);
  }).observe(byId('chart'));
  update();
}

init().then(start, (error: unknown) => {
  byId('verdict').className = 'verdict broken';
  const why = error instanceof Error ? error.message : String(error);
  byId('verdict').replaceChildren(h('p', { class: 'says' }, `The calculator cannot run here: ${why}`));
});
