import {
  type BundleEnvelope,
  BundleError,
  type Client,
  createClient,
  init,
  type Jwk,
  loadBundle,
  PrequalError,
  WasmUnavailable,
} from 'prequal';

/** Where an element finds the lender; the same for all elements of a page, so clients are shared. */
export interface Source {
  readonly endpoint: string | undefined;
  readonly edge: string | undefined;
  readonly bundleUrl: string | undefined;
  /** A JSON array of public keys (JWK), or one key. */
  readonly bundleKeys: string | undefined;
  readonly locale: string | undefined;
}

/** Reads the attributes that all elements have in common. */
export function sourceOf(element: HTMLElement): Source {
  const read = (name: string) => {
    const value = element.getAttribute(name)?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
  return {
    endpoint: read('endpoint'),
    edge: read('edge'),
    bundleUrl: read('bundle-url'),
    bundleKeys: read('bundle-keys'),
    locale: element.closest('[lang]')?.getAttribute('lang') ?? undefined,
  };
}

/** A client, and the lender's business date. */
export interface Lender {
  readonly client: Client;
  /** `YYYY-MM-DD` in the bundle's time zone; in UTC where the edge computes. */
  today(): string;
}

const lenders = new Map<string, Promise<Lender>>();

/**
 * The lender behind a source, reached once for a page. It computes in this browser where WebAssembly runs and the bundle
 * verifies, and asks the edge otherwise. A failure is not kept: the next call tries again.
 */
export function loadLender(source: Source): Promise<Lender> {
  const name = JSON.stringify(source);
  const known = lenders.get(name);
  if (known !== undefined) return known;
  const made = makeLender(source);
  lenders.set(name, made);
  made.catch(() => lenders.delete(name));
  return made;
}

async function makeLender(source: Source): Promise<Lender> {
  const edge = source.edge ?? source.endpoint;
  const endpoint = source.endpoint ?? edge;
  if (edge === undefined || endpoint === undefined) {
    throw new PrequalError('missing_attribute', 'the element needs an `edge` or an `endpoint` attribute');
  }
  const options = { endpoint, edge };
  const keys = readKeys(source.bundleKeys);
  const remote = { client: createClient(options), today: () => new Date().toISOString().slice(0, 10) };
  if (keys === undefined) return remote;
  try {
    const url = source.bundleUrl ?? `${edge.replace(/\/+$/u, '')}/v1/bundle/public`;
    const [envelope] = await Promise.all([fetchBundle(url), init()]);
    const bundle = await loadBundle(envelope, { keys });
    return { client: createClient({ ...options, bundle }), today: () => bundle.today(new Date()) };
  } catch (error) {
    // Where the page forbids wasm, or the browser cannot check signatures, the edge computes the same answers.
    if (error instanceof WasmUnavailable) return remote;
    if (error instanceof PrequalError && error.code === 'ed25519_unavailable') return remote;
    throw error;
  }
}

async function fetchBundle(url: string): Promise<BundleEnvelope> {
  const response = await fetch(url, { credentials: 'omit', cache: 'no-cache' });
  if (!response.ok)
    throw new BundleError('bundle_unavailable', `fetching the bundle answered status ${response.status}`);
  return (await response.json()) as BundleEnvelope;
}

function readKeys(text: string | undefined): Jwk[] | undefined {
  if (text === undefined) return undefined;
  try {
    const keys: unknown = JSON.parse(text);
    return (Array.isArray(keys) ? keys : [keys]) as Jwk[];
  } catch {
    throw new PrequalError(
      'invalid_attribute',
      '`bundle-keys` must be JSON: one public key or a list of them',
    );
  }
}
