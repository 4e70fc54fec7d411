/** The jurisdictions of the calculator: how each finds its rate, and its ceilings as data. */
import type { Cap } from 'prequal';
import data from './laws.json';

export interface Law {
  readonly id: string;
  readonly name: string;
  readonly rate_name: string;
  readonly currency: string;
  readonly convention: string;
  readonly day_count: string;
  /** The end of the slider; more may be typed. */
  readonly rate_percent_max: number;
  readonly caps: readonly Cap[];
}

export const notice: string = data.notice;
export const laws = data.laws as readonly Law[];

export function lawOf(id: string): Law {
  const law = laws.find((each) => each.id === id) ?? laws[0];
  if (law === undefined) throw new Error('laws.json is empty');
  return law;
}

/** The words of a statute that a cap names, for the reader. */
export function basisOf(law: Law, cap: string): string {
  return law.caps.find((each) => each.id === cap)?.basis ?? cap;
}
