/** Problem documents (RFC 9457): the only form in which this worker refuses. */

const KINDS = {
  'malformed-json': [400, 'the body is not JSON'],
  'bad-request': [400, 'the request cannot be read'],
  'not-found': [404, 'nothing is here'],
  'method-not-allowed': [405, 'this method is not offered here'],
  'checkout-expired': [410, 'this checkout has expired'],
  'body-too-large': [413, 'the body is too large'],
  'unsupported-media-type': [415, 'the body must be application/json'],
  'invalid-body': [422, 'the body does not have the required shape'],
  'checkout-token': [422, 'the checkout token does not hold'],
  'consent-missing': [422, 'a consent is missing'],
  // Not a 5xx: those invite to try again, and the same application is refused again.
  'server-refused': [422, 'the lender’s server refused this application for good'],
  internal: [500, 'the worker could not do this'],
  'bundle-unavailable': [503, 'no valid policy is in force here'],
  'server-unavailable': [503, 'the lender cannot be reached'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type Kind = keyof typeof KINDS;

export interface ProblemMore {
  /** What exactly, for the developer. No personal data. */
  readonly detail?: string;
  /** Where in the body, as a JSON pointer. */
  readonly pointer?: string;
}

/** Thrown anywhere below the router, which answers with it. */
export class Problem extends Error {
  readonly status: number;
  readonly slug: string;
  readonly document: Readonly<Record<string, unknown>>;

  constructor(slug: string, status: number, title: string, more: ProblemMore) {
    super(slug);
    this.slug = slug;
    this.status = status;
    this.document = { type: `urn:prequal:problem:${slug}`, title, status, ...more };
  }

  response(): Response {
    const headers: Record<string, string> = {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    };
    if (this.status === 503) headers['retry-after'] = '2';
    return new Response(JSON.stringify(this.document), { status: this.status, headers });
  }
}

export function problem(kind: Kind, more: ProblemMore = {}): Problem {
  const [status, title] = KINDS[kind];
  return new Problem(kind, status, title, more);
}
