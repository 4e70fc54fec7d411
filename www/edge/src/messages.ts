/** What pages without WebAssembly ask for: the same answers by the public bundle that others compute themselves. */
import {
  type Bundle,
  type Fields,
  type FieldValue,
  type JourneyEvent,
  journey,
  type Order,
  prequalify,
  quote,
  type Snapshot,
  salt,
  validate,
} from 'prequal';
import { type Members, object, only, string } from './body.js';
import type { Now } from './clock.js';
import { problem } from './problem.js';

const ID_LENGTH_MAX = 64;
const CURRENCY_LENGTH = 3;

export function quoteAnswer(bundle: Bundle, body: Members, now: Now): unknown {
  only(body, ['amount', 'currency']);
  return quote(bundle, { ...readOrder(body, ''), today: bundle.today(now.date) });
}

export function validateAnswer(bundle: Bundle, body: Members, now: Now): unknown {
  only(body, ['order', 'fields', 'step']);
  return validate(bundle, {
    fields: readFields(body.fields),
    today: bundle.today(now.date),
    ...(body.order === undefined ? {} : { order: readOrder(object(body.order, '/order'), '/order') }),
    ...(body.step === undefined ? {} : { step: string(body, 'step', ID_LENGTH_MAX) }),
  });
}

export function prequalifyAnswer(bundle: Bundle, body: Members, now: Now): unknown {
  only(body, ['order', 'fields']);
  return prequalify(bundle, {
    application: {
      order: readOrder(object(body.order, '/order'), '/order'),
      fields: readFields(body.fields),
    },
    evidence: {},
    salt: salt(),
    as_of: now.text,
    today: bundle.today(now.date),
  });
}

export function journeyAnswer(bundle: Bundle, body: Members): unknown {
  only(body, ['snapshot', 'event']);
  const snapshot =
    body.snapshot === null ? null : (object(body.snapshot, '/snapshot') as unknown as Snapshot);
  return journey(bundle, snapshot, object(body.event, '/event') as unknown as JourneyEvent);
}

/** The amount and currency; that they make sense is the core's to say. */
function readOrder(members: Members, pointer: string): Order {
  only(members, ['amount', 'currency'], pointer);
  const amount = members.amount;
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount)) {
    throw problem('invalid-body', {
      detail: '`amount` must be a whole number',
      pointer: `${pointer}/amount`,
    });
  }
  return { amount, currency: string(members, 'currency', CURRENCY_LENGTH, pointer) };
}

/** The form's fields as plain values; which there are, and what they must hold, the bundle says. */
export function readFields(value: unknown): Fields {
  const members = object(value, '/fields');
  for (const [name, field] of Object.entries(members)) {
    const plain = typeof field === 'string' || typeof field === 'boolean' || Number.isSafeInteger(field);
    if (plain) continue;
    const detail = `\`${name.slice(0, ID_LENGTH_MAX)}\` must be a string, a whole number, true or false`;
    throw problem('invalid-body', { detail, pointer: '/fields' });
  }
  return members as Readonly<Record<string, FieldValue>>;
}
