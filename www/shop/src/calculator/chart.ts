/**
 * The schedule as a chart: what is still owed as a line of steps above, each payment in its parts below, on one axis of
 * due dates. Drawn in pixels, so that its words keep their size at every width.
 */
import type { Schedule } from 'prequal';
import { h, svg } from './nodes.js';

export interface Drawing {
  readonly schedule: Schedule;
  readonly start: string;
  readonly money: (minor: number) => string;
  /** Short, for an axis. */
  readonly brief: (minor: number) => string;
  readonly day: (date: string) => string;
}

/** Room around the two plots, in pixels. */
const LEFT = 64;
const RIGHT = 12;
const TITLE = 32;
const GAP = 20;
const AXIS = 24;
const OWED_HEIGHT = 96;
const BARS_HEIGHT = 168;
const BAR_WIDTH_MAX = 48;
/** A date on the axis takes so much, with the room beside it. */
const DATE_WIDTH = 104;

const PARTS = ['principal', 'interest', 'fee'] as const;
const NAMES = { principal: 'Principal', interest: 'Interest', fee: 'Fees' };

export function drawChart(figure: HTMLElement, drawing: Drawing): void {
  const { schedule, money } = drawing;
  const rows = schedule.installments;
  const width = Math.max(280, figure.clientWidth);
  const plot = width - LEFT - RIGHT;
  const step = plot / rows.length;
  const middle = (index: number): number => LEFT + step * (index + 0.5);

  const owedTop = TITLE;
  const owedFoot = owedTop + OWED_HEIGHT;
  const barsTop = owedFoot + GAP + TITLE;
  const barsFoot = barsTop + BARS_HEIGHT;
  const height = barsFoot + AXIS;

  const owedMost = niceMost(schedule.total_principal);
  const owed = (minor: number): number => owedFoot - (minor / owedMost.most) * OWED_HEIGHT;
  const payMost = niceMost(Math.max(1, ...rows.map((row) => row.total)));
  const pay = (minor: number): number => (minor / payMost.most) * BARS_HEIGHT;

  const line = [`M${LEFT} ${owed(schedule.total_principal)}`];
  for (const [index, row] of rows.entries())
    line.push(`H${round(middle(index))}`, `V${round(owed(row.balance))}`);
  line.push(`H${LEFT + plot}`);

  const barWidth = Math.min(BAR_WIDTH_MAX, Math.max(1, step - (step > 6 ? 3 : 1)));
  const bars = rows.flatMap((row, index) => {
    let foot = barsFoot;
    const title = `${row.number}. ${drawing.day(row.due)}: ${money(row.total)}`;
    return PARTS.filter((part) => row[part] > 0).map((part) => {
      const tall = pay(row[part]);
      foot -= tall;
      const box = { x: round(middle(index) - barWidth / 2), y: round(foot), width: round(barWidth) };
      return svg('rect', { ...box, height: round(tall), class: part }, svg('title', {}, title));
    });
  });

  figure.setAttribute('aria-label', described(drawing));
  figure.replaceChildren(
    svg(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' },
      svg(
        'defs',
        {},
        svg(
          'pattern',
          {
            id: 'fee-lines',
            width: 6,
            height: 6,
            patternUnits: 'userSpaceOnUse',
            patternTransform: 'rotate(45)',
          },
          svg('rect', { width: 6, height: 6, class: 'fee-ground' }),
          svg('rect', { width: 2, height: 6, class: 'fee-line' }),
        ),
      ),
      svg('text', { x: 0, y: 14, class: 'title' }, 'Still owed'),
      ...grid(owedMost.steps, owed, drawing, plot),
      svg('path', {
        d: `${line.join('')}V${owedFoot}H${LEFT}Z`,
        class: 'owed-area',
      }),
      svg('path', { d: line.join(''), class: 'owed-line' }),
      svg('text', { x: 0, y: barsTop - 18, class: 'title' }, 'Each payment'),
      ...grid(payMost.steps, (minor) => barsFoot - pay(minor), drawing, plot),
      ...bars,
      ...dates(drawing, middle, plot, barsFoot),
    ),
  );
}

/** The key beside the chart: each colour with its name and what it comes to. */
export function drawKeys(list: HTMLElement, { schedule, money }: Drawing): void {
  const totals = {
    principal: schedule.total_principal,
    interest: schedule.total_interest,
    fee: schedule.total_fee,
  };
  list.replaceChildren(
    ...PARTS.filter((part) => part === 'principal' || totals[part] > 0).map((part) =>
      h(
        'li',
        {},
        h('span', { class: `swatch ${part}`, 'aria-hidden': 'true' }),
        `${NAMES[part]} ${money(totals[part])}`,
      ),
    ),
  );
}

function grid(
  steps: readonly number[],
  at: (minor: number) => number,
  drawing: Drawing,
  plot: number,
): SVGElement[] {
  return steps.flatMap((minor) => {
    const y = round(at(minor));
    return [
      svg('line', {
        x1: LEFT,
        x2: LEFT + plot,
        y1: y,
        y2: y,
        class: minor === 0 ? 'base' : 'grid',
      }),
      svg('text', { x: LEFT - 8, y: y + 4, class: 'tick' }, drawing.brief(minor)),
    ];
  });
}

/** As many due dates as there is room for; the first and the last among them. */
function dates(
  { schedule, day }: Drawing,
  middle: (index: number) => number,
  plot: number,
  foot: number,
): SVGElement[] {
  const last = schedule.installments.length - 1;
  const stride = Math.max(1, Math.ceil(last / Math.max(1, Math.floor(plot / DATE_WIDTH) - 1)));
  const indexes = [];
  for (let index = 0; index <= last - stride; index += stride) indexes.push(index);
  indexes.push(last);
  return indexes.map((index) => {
    const due = schedule.installments[index]?.due ?? '';
    const place = last === 0 ? 'middle' : index === 0 ? 'start' : index === last ? 'end' : 'middle';
    const x = place === 'start' ? LEFT : place === 'end' ? LEFT + plot : middle(index);
    return svg('text', { x: round(x), y: foot + 18, class: `date ${place}` }, day(due));
  });
}

/** The chart in a sentence. */
function described({ schedule, money, day }: Drawing): string {
  const rows = schedule.installments;
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return 'The schedule as a chart';
  return (
    `Chart: ${rows.length} ${rows.length === 1 ? 'payment' : 'payments'}, the first ${money(first.total)} on ${day(first.due)}, ` +
    `the last ${money(last.total)} on ${day(last.due)}. What is owed falls from ${money(schedule.total_principal)} to ${money(last.balance)}. ` +
    `The table after it holds every figure.`
  );
}

/** A round end of an axis, and three to five round steps up to it. */
export function niceMost(largest: number): { most: number; steps: readonly number[] } {
  const rough = Math.max(largest, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? 10 * power;
  const count = Math.ceil(largest / step);
  return { most: step * count, steps: Array.from({ length: count + 1 }, (_, index) => index * step) };
}

function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
