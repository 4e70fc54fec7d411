/**
 * The WebAssembly instance: compiled once, replaced after a trap. Everything else in the package reaches the core
 * through {@link run} and nowhere else.
 */
import { PrequalError, WasmUnavailable } from './errors.js';
import * as glue from './glue.js';

/** An instance's exports, as a bundler that follows the ESM integration proposal hands them out. */
export type WasmExports = Readonly<Record<string, unknown>>;

/** Where the module may come from. A promise, or a module namespace with a default export, may stand around each. */
export type WasmSource =
  | string
  | URL
  | Request
  | Response
  | BufferSource
  | WebAssembly.Module
  | WebAssembly.Instance
  | WasmExports
  | { readonly default: WasmSource }
  | PromiseLike<WasmSource>;

/** The same without anything that must be waited for. */
export type WasmSourceSync = BufferSource | WebAssembly.Module | { readonly default: WasmSourceSync };

let defaultSource: (() => WasmSource) | undefined;
let compiled: WebAssembly.Module | undefined;
let pending: Promise<void> | undefined;
let ready = false;
let generation = 0;
const onReplace = new Set<() => void>();

/** Each entry point says where its runtime finds the module. */
export function setDefaultSource(source: () => WasmSource): void {
  defaultSource = source;
}

/** Whether the synchronous functions may be called. */
export function isReady(): boolean {
  return ready;
}

/** Rises with each new instance: what was made by an earlier one is gone. */
export function currentGeneration(): number {
  return generation;
}

/** `forget` is called when the instance and all that lived in it is dropped. */
export function whenReplaced(forget: () => void): void {
  onReplace.add(forget);
}

/**
 * Makes the synchronous functions ready. Idempotent: the first successful call decides the source, calls made
 * meanwhile wait for it, and a failed call may be repeated.
 *
 * @throws {WasmUnavailable} when the module cannot be fetched, compiled or instantiated
 */
export function init(source?: WasmSource): Promise<void> {
  if (ready) return Promise.resolve();
  pending ??= load(source)
    .catch((cause: unknown) => {
      throw unavailable(cause);
    })
    .finally(() => {
      pending = undefined;
    });
  return pending;
}

/**
 * The same without waiting, for a module or bytes at hand; with no argument where the runtime has the module at
 * hand itself (Node and workerd).
 *
 * @throws {WasmUnavailable}
 */
export function initSync(source?: WasmSourceSync): void {
  if (ready) return;
  try {
    let given: unknown = source ?? defaultSource?.();
    if (isNamespace(given)) given = given.default;
    if (given instanceof WebAssembly.Module) adoptModule(given);
    else if (isBytes(given)) adoptModule(new WebAssembly.Module(given));
    else throw new TypeError('initSync takes a WebAssembly.Module or its bytes');
  } catch (cause) {
    throw unavailable(cause);
  }
}

/**
 * Runs `call` against the instance. The core answers every input with a value, so anything thrown out of it (a trap,
 * an exhausted stack, a getter of the caller's own) leaves the instance half way through: it is replaced.
 *
 * @throws {WasmUnavailable} before `init`
 * @throws {PrequalError} with code `engine_trap`
 */
export function run<T>(call: () => T): T {
  if (!ready) throw new WasmUnavailable('call `await init()` before the synchronous functions');
  try {
    return call();
  } catch (error) {
    replace();
    const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
    if (!trapped) throw error;
    throw new PrequalError('engine_trap', 'the core stopped on this input; it was started again', {
      cause: error,
    });
  }
}

async function load(source: WasmSource | undefined): Promise<void> {
  let given: unknown = await (source ?? defaultSource?.());
  if (given === undefined) throw new TypeError('this runtime has no default module: pass one to `init`');
  if (isNamespace(given)) given = await given.default;
  if (typeof WebAssembly !== 'object') throw new TypeError('this runtime has no WebAssembly');
  if (given instanceof WebAssembly.Module) return adoptModule(given);
  if (given instanceof WebAssembly.Instance) return adoptExports(given.exports);
  if (isBytes(given)) return adoptModule(await WebAssembly.compile(given));
  if (isExports(given)) return adoptExports(given);
  adoptModule(await compileFetched(given));
}

/** Streams where the server names the type; otherwise reads the bytes first, so that any static server will do. */
async function compileFetched(given: unknown): Promise<WebAssembly.Module> {
  const response = given instanceof Response ? given : await fetch(given as string | URL | Request);
  if (!response.ok) throw new TypeError(`fetching the module answered status ${response.status}`);
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/wasm' && typeof WebAssembly.compileStreaming === 'function') {
    return WebAssembly.compileStreaming(response);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}

function adoptModule(module: WebAssembly.Module): void {
  glue.adopt(new WebAssembly.Instance(module, glue.imports()), module);
  compiled = module;
  started();
}

/** An instance made elsewhere with this package's imports: it serves as well, but cannot be made again. */
function adoptExports(exports: WasmExports): void {
  glue.adopt({ exports });
  started();
}

function started(): void {
  generation += 1;
  ready = true;
}

function replace(): void {
  ready = false;
  for (const forget of onReplace) forget();
  if (compiled === undefined) return;
  try {
    adoptModule(compiled);
  } catch {
    // The next `init` tries again; until then the functions say that wasm is unavailable.
  }
}

function unavailable(cause: unknown): WasmUnavailable {
  if (cause instanceof WasmUnavailable) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new WasmUnavailable(`WebAssembly cannot be used here: ${why}`, cause);
}

function isBytes(given: unknown): given is BufferSource {
  return given instanceof ArrayBuffer || ArrayBuffer.isView(given);
}

function isExports(given: unknown): given is WasmExports {
  return typeof given === 'object' && given !== null && 'memory' in given && '__wbindgen_start' in given;
}

function isNamespace(given: unknown): given is { readonly default: unknown } {
  return typeof given === 'object' && given !== null && 'default' in given && !isExports(given);
}
