/** Node.js. The module is read from beside this file, so `initSync()` needs no argument. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setDefaultSource } from './engine.js';

setDefaultSource(() => readFileSync(join(import.meta.dirname, 'prequal.wasm')));

export * from './main.js';
