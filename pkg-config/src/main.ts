/** What every entry point exports. */
export * from './api.js';
export { Bundle, type BundleEnvelope, type LoadBundleOptions, loadBundle } from './bundle.js';
export {
  type CallOptions,
  Client,
  type ClientOptions,
  createClient,
  type MoneyOptions,
  type PrequalifyRequest,
} from './client.js';
export { init, initSync, isReady, type WasmExports, type WasmSource, type WasmSourceSync } from './engine.js';
export { BundleError, NetworkError, PrequalError, ProblemError, WasmUnavailable } from './errors.js';
export type * from './http-types.js';
export { loadModel, Model } from './model.js';
export type * from './types.js';
