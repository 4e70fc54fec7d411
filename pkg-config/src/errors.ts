/** What goes wrong, by name. `code` is stable and for programs; `message` is for developers and may change. */
export class PrequalError extends Error {
  override readonly name: string = 'PrequalError';
  /** A stable name such as `unknown_field` or `amount_out_of_range`. */
  readonly code: string;
  /** Where in the input, when one place is to blame. */
  readonly field?: string;

  constructor(
    code: string,
    message: string,
    options?: { readonly field?: string; readonly cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options?.field !== undefined) this.field = options.field;
  }
}

/**
 * WebAssembly is not ready: `init()` was not awaited, or the page or the runtime does not allow it. A page with a
 * strict Content-Security-Policy needs `'wasm-unsafe-eval'`; without it `createClient` asks the edge instead.
 */
export class WasmUnavailable extends PrequalError {
  override readonly name = 'WasmUnavailable';

  constructor(message: string, cause?: unknown) {
    super('wasm_unavailable', message, { cause });
  }
}

/**
 * A bundle that is not believed. Codes: `bundle_malformed`, `bundle_unsigned`, `bundle_key_unknown`,
 * `bundle_key_invalid`, `bundle_signature_invalid`, `ed25519_unavailable`, or what the core found in the payload.
 */
export class BundleError extends PrequalError {
  override readonly name = 'BundleError';
}

/** A problem document (RFC 9457) from the edge or the server; `code` is the last part of its `type`. */
export class ProblemError extends PrequalError {
  override readonly name = 'ProblemError';
  readonly status: number;
  /** The whole document, with the members that only some problems have. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const type = typeof problem['type'] === 'string' ? problem['type'] : 'about:blank';
    const title = typeof problem['title'] === 'string' ? problem['title'] : `status ${status}`;
    const detail = typeof problem['detail'] === 'string' ? problem['detail'] : title;
    super(type.slice(type.lastIndexOf(':') + 1), detail);
    this.status = status;
    this.problem = problem;
  }
}

/** No answer: code `network` (the request may or may not have arrived), `timeout`, or `aborted` by the caller. */
export class NetworkError extends PrequalError {
  override readonly name = 'NetworkError';
}
