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

const clients = new Map<string, Promise<Client>>();

/**
 * The client for a source, made once for a page. It computes in this browser where WebAssembly runs and the bundle
 * verifies, and asks the edge otherwise. A failure is not kept: the next call tries again.
 */
export function loadClient(source: Source): Promise<Client> {
  const name = JSON.stringify(source);
  const known = clients.get(name);
  if (known !== undefined) return known;
  const made = makeClient(source);
  clients.set(name, made);
  made.catch(() => clients.delete(name));
  return made;
}

async function makeClient(source: Source): Promise<Client> {
  const edge = source.edge ?? source.endpoint;
  const endpoint = source.endpoint ?? edge;
  if (edge === undefined || endpoint === undefined) {
    throw new PrequalError('missing_attribute', 'the element needs an `edge` or an `endpoint` attribute');
  }
  const options = { endpoint, edge };
  const keys = readKeys(source.bundleKeys);
  if (keys === undefined) return createClient(options);
  if (source.bundleUrl === undefined) return createClient({ ...options, keys });
  try {
    const [envelope] = await Promise.all([fetchBundle(source.bundleUrl), init()]);
    return createClient({ ...options, bundle: await loadBundle(envelope, { keys }) });
  } catch (error) {
    // Where the page forbids wasm, or the browser cannot check signatures, the edge computes the same answers.
    if (error instanceof WasmUnavailable) return createClient(options);
    if (error instanceof PrequalError && error.code === 'ed25519_unavailable') return createClient(options);
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
