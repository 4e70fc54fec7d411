/** Browsers, alone or through a bundler. The module is fetched from beside this file. */
import { setDefaultSource } from './engine.js';

// The one place with this pattern: a bundler that finds it copies the file, once for each time it is written.
setDefaultSource(() => new URL('./prequal.wasm', import.meta.url));

export * from './main.js';
