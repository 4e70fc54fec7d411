/**
 * Cloudflare Workers. They refuse to compile bytes at run time: the module is imported, which gives a
 * `WebAssembly.Module`, so `initSync()` needs no argument.
 */
import { setDefaultSource, type WasmSource } from './engine.js';
import wasm from './prequal.wasm';

setDefaultSource(() => wasm as WasmSource);

export * from './main.js';
