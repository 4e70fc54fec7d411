/** Bodies: JSON objects within a limit, with the members that are asked for and no others. */
import { problem } from './problem.js';

/** The largest body, in bytes. */
export const BODY_BYTES_MAX = 256 * 1024;
/** How much of a larger body is still read, and kept nowhere. */
const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;

export type Members = Readonly<Record<string, unknown>>;

/** @throws {Problem} */
export async function readObject(request: Request): Promise<Members> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw problem('unsupported-media-type');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await readBytes(request)));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) throw problem('malformed-json');
    throw error;
  }
  return object(value, '');
}

/**
 * Counts while it reads: a length that the caller states may be false or missing. What is too much is read on and
 * thrown away for a while, because a caller still writing would see a broken connection instead of the answer.
 */
async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length <= BODY_BYTES_MAX) chunks.push(chunk);
    else if (length > DISCARDED_BYTES_MAX) break;
  }
  if (length > BODY_BYTES_MAX) {
    throw problem('body-too-large', { detail: `at most ${BODY_BYTES_MAX} bytes are read` });
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** @throws {Problem} */
export function object(value: unknown, pointer: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw problem('invalid-body', { detail: 'an object is expected', pointer });
}

/** Refuses a member that nobody asked for: it may be a misspelt one. @throws {Problem} */
export function only(members: Members, names: readonly string[], pointer = ''): void {
  for (const name of Object.keys(members)) {
    if (names.includes(name)) continue;
    const where = `${pointer}/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`;
    throw problem('invalid-body', { detail: `unknown member \`${name.slice(0, 64)}\``, pointer: where });
  }
}

/** @throws {Problem} */
export function string(members: Members, name: string, lengthMax: number, pointer = ''): string {
  const value = members[name];
  if (typeof value === 'string' && value.length <= lengthMax) return value;
  const detail = `\`${name}\` must be a string of at most ${lengthMax} characters`;
  throw problem('invalid-body', { detail, pointer: `${pointer}/${name}` });
}
