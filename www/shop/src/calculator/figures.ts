/** From the fields of the form to the figures of the page. All arithmetic is the package's. */
import { apr, caps, type Installment, PrequalError, type Schedule, schedule, type Terms } from 'prequal';
import type { Law } from './law.js';

/** What stands in the form, as text. */
export interface Fields {
  readonly amount: string;
  readonly method: string;
  readonly rate: string;
  readonly fee: string;
  readonly count: string;
  readonly every: string;
  readonly start: string;
  /** Empty: one period after the start. */
  readonly first_due: string;
}

export interface Figures {
  readonly terms: Terms;
  readonly schedule: Schedule;
  /** The legal rate; where it has none, why. */
  readonly rate: { readonly percent?: string; readonly effective?: string; readonly why?: string };
  readonly verdict: ReturnType<typeof caps>;
}

/** Fields that cannot be read, by name, in words for the person. */
export class Unreadable extends Error {
  constructor(readonly problems: ReadonlyMap<keyof Fields, string>) {
    super('some fields cannot be read');
  }
}

const AMOUNT = /^(\d{1,9})(?:\.(\d{1,2}))?$/u;
const PERCENT = /^\d{1,4}(?:\.\d{1,4})?$/u;
const COUNT_MAX = 120;

/** Whether the price of a method is a fee on the amount, interest, or nothing. */
export function priceOf(method: string): 'interest' | 'fee' | 'nothing' {
  if (method === 'free') return 'nothing';
  return method === 'fee_installment' ? 'fee' : 'interest';
}

/** Currency units as minor units, without a detour over fractions. */
export function minor(text: string): number | undefined {
  const match = AMOUNT.exec(text.trim());
  if (match === null) return undefined;
  return Number(`${match[1]}${(match[2] ?? '').padEnd(2, '0')}`);
}

/** @throws {Unreadable} naming each field that cannot be read */
export function termsOf(fields: Fields, law: Law): Terms {
  const problems = new Map<keyof Fields, string>();
  const principal = minor(fields.amount);
  if (principal === undefined || principal === 0)
    problems.set('amount', 'Give an amount such as 1299 or 1299.50.');
  const price = priceOf(fields.method);
  if (price !== 'nothing' && !PERCENT.test(fields.rate.trim()))
    problems.set('rate', 'Give a percentage such as 24 or 23.99.');
  if (!PERCENT.test(fields.fee.trim())) problems.set('fee', 'Give a percentage such as 0 or 1.5.');
  const count = fields.method === 'single' ? 1 : Number(fields.count.trim());
  if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX)
    problems.set('count', `Give a whole number from 1 to ${COUNT_MAX}.`);
  if (fields.start === '') problems.set('start', 'Give a date.');
  else if (fields.first_due !== '' && fields.first_due < fields.start)
    problems.set('first_due', 'Give a date that is not before the payout.');
  if (problems.size > 0 || principal === undefined) throw new Unreadable(problems);
  const fee = fields.fee.trim();
  return {
    currency: law.currency,
    principal,
    start: fields.start,
    ...(price === 'interest' && { rate: { annual_percent: fields.rate.trim(), day_count: law.day_count } }),
    repayment: {
      method: fields.method,
      count,
      every: fields.every,
      ...(fields.first_due !== '' && { first_due: fields.first_due }),
      ...(price === 'fee' && { fee_percent_per_period: fields.rate.trim() }),
    },
    ...(Number(fee) > 0 && { fees: [{ code: 'processing', payee: 'lender', percent: fee, when: 'first' }] }),
  };
}

/** @throws {Unreadable | PrequalError} */
export function figuresOf(fields: Fields, law: Law): Figures {
  const terms = termsOf(fields, law);
  const made = schedule(terms);
  return {
    terms,
    schedule: made,
    rate: rateOf(terms, made, law),
    verdict: caps({ terms, caps: law.caps }),
  };
}

function rateOf(terms: Terms, made: Schedule, law: Law): Figures['rate'] {
  const payments = made.installments.filter((each) => each.total > 0);
  try {
    const found = apr({
      convention: law.convention,
      currency: law.currency,
      advances: [{ date: terms.start, amount: made.total_principal }],
      payments: payments.map((each) => ({ date: each.due, amount: each.total })),
    });
    return {
      percent: found.apr_percent,
      ...(found.effective_percent !== undefined && { effective: found.effective_percent }),
    };
  } catch (error) {
    if (error instanceof PrequalError) return { why: error.message };
    throw error;
  }
}

/** What an instalment costs beyond what it repays. */
export function cost(installment: Installment): number {
  return installment.interest + installment.fee;
}
