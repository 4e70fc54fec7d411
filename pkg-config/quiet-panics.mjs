// Takes the words out of panics. Core is written so that no input makes it panic, and where it did all the same the
// instance stops and the package starts another: nobody reads the message, which WebAssembly has nowhere to print. So
// each of the standard library's functions that panic becomes the instruction that stops, and the places in the source
// that they would have named become zeros. The checks themselves stay.
// usage: node quiet-panics.mjs BINARYEN_FOLDER IN.wasm OUT.wasm; IN has its section of names.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** By a function's name without the hashes that compilers put into it. */
const PANICS = [
  /^(core|alloc|std|__rustc)::(.*::)?panicking::/,
  /^(core|alloc|std)::.*(unwrap_failed|expect_failed|_fail|_fail_rt|::assert_failed.*)$/,
  /^(core|alloc|std)::cell::panic_/,
  /^alloc::(raw_vec::(capacity_overflow|handle_error)|alloc::handle_alloc_error)$/,
  /^<alloc::vec::Vec<.*>>::.*assert_failed$/,
  /^__rustc::(rust_panic|rust_begin_unwind|__rust_start_panic)$/,
  /^(<|core::ptr::drop_in_place(::)?<)std::panicking::/,
];
/** At least these are in any module of ours; where they are not, the names have changed and less is gained. */
const KNOWN = ['core::panicking::panic_fmt', 'core::panicking::panic_bounds_check'];

const DATA_SECTION = 11;
const I32_CONST = 0x41;
const END = 0x0b;
/** `core::panic::Location`: address and length of the file's name, line, column. */
const LOCATION_BYTES = 16;
const LINE_MAX = 100_000;
const COLUMN_MAX = 1_000;
const FILE_NAME_BYTES_MAX = 200;

const [, , binaryenFolder, input, output] = process.argv;
if (output === undefined) {
  console.error('usage: node quiet-panics.mjs BINARYEN_FOLDER IN.wasm OUT.wasm');
  process.exit(2);
}
const { default: binaryen } = await import(pathToFileURL(join(binaryenFolder, 'index.js')).href);
const bytes = readFileSync(input);
const places = forgetPlaces(bytes);
binaryen.setDebugInfo(true);
const module = binaryen.readBinary(bytes);
const quiet = silence(module);
const missing = KNOWN.filter((name) => !quiet.includes(name));
if (missing.length > 0 || places === 0) {
  // The module is as good as before, only larger; the size budget is what fails then.
  const what = missing.length > 0 ? `no function ${missing.join(', ')}` : 'no place in the source';
  console.error(`  package: ${what} found in ${input}; this compiler names them in another way`);
}
writeFileSync(output, module.emitBinary());
console.log(`  package: ${quiet.length} functions that panic and ${places} places in the source left out`);

/** Puts the stop in place of each function that panics; returns their plain names. */
function silence(module) {
  const own = Array.from({ length: module.getNumFunctions() }, (_, index) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(index)),
  ).filter((info) => info.module === '');
  const panicking = own.filter((info) => PANICS.some((pattern) => pattern.test(plain(info.name))));
  for (const { name, params, results } of panicking) {
    module.removeFunction(name);
    module.addFunction(name, params, results, [], module.unreachable());
  }
  return panicking.map((info) => plain(info.name));
}

/** `core[1f2e]::panicking::panic_fmt` and `core::panicking::panic_fmt::h0123456789abcdef` are both that function. */
function plain(name) {
  return name.replaceAll(/\[[0-9a-f]+\]/g, '').replace(/::h[0-9a-f]{16}$/, '');
}

/** Zeroes every `Location` and the file names they point to; returns how many there were. */
function forgetPlaces(bytes) {
  const segments = dataSegments(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const zero = [];
  const names = new Map();
  for (const { address, start, length } of segments) {
    // Addresses of four bytes: a place is aligned to them.
    let at = start + ((4 - (address % 4)) % 4);
    while (at + LOCATION_BYTES <= start + length) {
      const [name, size, line, column] = [0, 4, 8, 12].map((offset) => view.getUint32(at + offset, true));
      const likely = size > 3 && size <= FILE_NAME_BYTES_MAX && line > 0 && line <= LINE_MAX && column > 0;
      const found = likely && column <= COLUMN_MAX ? fileName(bytes, segments, name, size) : undefined;
      if (found === undefined) {
        at += 4;
      } else {
        zero.push([at, LOCATION_BYTES]);
        names.set(found, size);
        at += LOCATION_BYTES;
      }
    }
  }
  for (const [start, length] of [...zero, ...names]) bytes.fill(0, start, start + length);
  return zero.length;
}

/** Where the file holds the text at an address, if that text ends as a Rust source's name does. */
function fileName(bytes, segments, address, size) {
  const home = segments.find((one) => address >= one.address && address + size <= one.address + one.length);
  if (home === undefined) return undefined;
  const start = home.start + address - home.address;
  const text = bytes.toString('latin1', start, start + size);
  return /^[\w./-]+\.rs$/.test(text) ? start : undefined;
}

/** The active data segments: their address in memory, and where the file holds them. */
function dataSegments(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    if (section !== DATA_SECTION) {
      at += size;
      continue;
    }
    return Array.from({ length: number() }, () => {
      const kind = number();
      if (kind !== 0 || bytes[at++] !== I32_CONST) throw new Error('a segment has no constant address');
      // Signed, but no address of ours reaches the sign's bit.
      const address = number();
      if (bytes[at++] !== END) throw new Error('an address is not a constant');
      const length = number();
      const start = at;
      at += length;
      return { address, start, length };
    });
  }
  return [];
}
