import { isReady, loadDraft as load, type Snapshot, saveDraft as save } from 'prequal';
import type { Application, Booking, Decision, Fields, Signature } from '../types.js';
import type { Claims } from './token.js';

/** Where a person stands in the checkout. */
export type Phase =
  | 'cost'
  | 'form'
  | 'estimate'
  | 'offers'
  | 'disclosure'
  | 'agreement'
  | 'done'
  | 'referred'
  | 'declined'
  | 'withdrawn';

const PHASES: readonly string[] = [
  'cost',
  'form',
  'estimate',
  'offers',
  'disclosure',
  'agreement',
  'done',
  'referred',
  'declined',
  'withdrawn',
];

/** Everything a reload must not lose. It holds personal fields, so it lives in the tab's session and goes with it. */
export interface Draft {
  readonly version: 1;
  phase: Phase;
  /** Index of the form's step while `phase` is `form`. */
  step: number;
  cart_hash: string;
  plan?: string | undefined;
  fields: Fields;
  application?: Application | undefined;
  /** The offer the person chose, by id. */
  chosen?: string | undefined;
  decision?: Decision | undefined;
  /** Made before the first attempt to sign and kept for every further one, so that none signs twice. */
  sign_key?: string | undefined;
  /** The signature that was given, for the same reason. */
  signature?: Signature | undefined;
  /** Of a code that was asked for without an answer yet, so that asking again sends no second one. */
  code_key?: string | undefined;
  booking?: Booking | undefined;
  /** The core's own record of the journey. */
  snapshot?: Snapshot | undefined;
}

/** The same key as the package's own drafts; the merchant's keys are never touched. */
const PREFIX = 'prequal:draft:';

/**
 * The draft to go on with: the one at hand, the stored one, or a new one. A draft for another cart keeps the person's
 * answers and nothing that was decided on the old amount.
 */
export function draftFor(claims: Claims, current: { claims: Claims; draft: Draft } | undefined): Draft {
  const same = current?.claims.checkout === claims.checkout;
  const draft = same ? current.draft : loadDraft(claims.checkout);
  if (draft === undefined)
    return { version: 1, phase: 'cost', step: 0, cart_hash: claims.cart_hash, fields: {} };
  if (draft.cart_hash === claims.cart_hash || draft.phase === 'done') return draft;
  draft.cart_hash = claims.cart_hash;
  draft.application = draft.decision = draft.chosen = undefined;
  draft.sign_key = draft.signature = draft.code_key = undefined;
  if (draft.phase === 'withdrawn') draft.phase = 'cost';
  const answered = Object.keys(draft.fields).length > 0;
  if (draft.phase !== 'cost' && draft.phase !== 'form') draft.phase = answered ? 'estimate' : 'cost';
  return draft;
}

/** The draft of a checkout; what was stored by another version, or by someone else, counts for nothing. */
function loadDraft(checkout: string): Draft | undefined {
  try {
    const stored = isReady()
      ? load(sessionStorage, checkout)
      : (JSON.parse(sessionStorage.getItem(PREFIX + checkout) ?? 'null') as unknown);
    return isDraft(stored) ? stored : undefined;
  } catch {
    return undefined;
  }
}

function isDraft(stored: unknown): stored is Draft {
  if (typeof stored !== 'object' || stored === null) return false;
  const { version, phase, step, fields } = stored as Partial<Draft>;
  const map = typeof fields === 'object' && fields !== null && !Array.isArray(fields);
  return version === 1 && PHASES.includes(String(phase)) && Number.isInteger(step) && map;
}

/** Saves the draft. A full or forbidden store costs the resume after a reload, nothing else. */
export function saveDraft(checkout: string, draft: Draft): void {
  try {
    if (isReady()) save(sessionStorage, checkout, draft);
    else sessionStorage.setItem(PREFIX + checkout, JSON.stringify(draft));
  } catch {
    // Said above.
  }
}

/** At the end the answers go; only ids stay, so that a reload shows the result again. */
export function forgetPerson(draft: Draft): void {
  draft.fields = {};
  draft.snapshot = draft.signature = draft.code_key = undefined;
}

/** Stopped by the person: all that was decided goes, and the answers stay for another start. */
export function forgetDecisions(draft: Draft): void {
  draft.application = draft.decision = draft.chosen = undefined;
  draft.sign_key = draft.signature = draft.code_key = draft.snapshot = undefined;
}
