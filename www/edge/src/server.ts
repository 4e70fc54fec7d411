/** The lender's server, which hears of every application before the shopper hears of an offer. */
import type { Decision, DecisionInput } from 'prequal';
import type { Config } from './config.js';
import { log } from './log.js';
import type { Consent } from './offers.js';
import { Problem, problem } from './problem.js';

export interface ApplicationRecord {
  readonly checkout_token: string;
  readonly input: DecisionInput;
  readonly decision: Decision;
  readonly offers: readonly {
    readonly offer_id: string;
    readonly plan: string;
    readonly terms_hash: string;
  }[];
  readonly consents: readonly Consent[];
}

export interface Recorded {
  readonly application_id: string;
  readonly capability: string;
  readonly decision_id: string;
}

/** Refusals that the shopper's page can act upon; of all others it learns only whether to try again. */
const PASSED_ON = new Set([
  'cart-changed',
  'checkout-expired',
  'checkout-financed',
  'consent-missing',
  'bundle-unknown',
  'bundle-revoked',
  'too-many',
]);

/** @throws {Problem} */
export async function recordApplication(config: Config, record: ApplicationRecord): Promise<Recorded> {
  let response: Response;
  let answer: Readonly<Record<string, unknown>>;
  try {
    response = await fetch(`${config.serverUrl}/v1/applications`, {
      method: 'POST',
      headers: { authorization: `Bearer ${config.edgeKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(record),
      signal: AbortSignal.timeout(config.serverDeadlineMs),
    });
    answer = (await response.json()) as Readonly<Record<string, unknown>>;
  } catch {
    log('server_unreachable', {});
    throw problem('server-unavailable');
  }
  if (response.ok) return recorded(answer);
  const type = typeof answer.type === 'string' ? answer.type : '';
  const slug = type.slice(type.lastIndexOf(':') + 1);
  log('server_refused', { status: response.status, problem: slug });
  if (PASSED_ON.has(slug)) throw new Problem(slug, response.status, String(answer.title ?? slug), {});
  throw problem(mayPass(response.status) ? 'server-unavailable' : 'server-refused');
}

/** Whether the same application may be taken later. */
function mayPass(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

function recorded(answer: Readonly<Record<string, unknown>>): Recorded {
  const { application_id, capability, decision_id } = answer;
  if (
    typeof application_id !== 'string' ||
    typeof capability !== 'string' ||
    typeof decision_id !== 'string'
  ) {
    throw problem('server-unavailable');
  }
  return { application_id, capability, decision_id };
}
