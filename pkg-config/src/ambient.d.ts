/** What the entry points use of their runtimes, declared here so that no runtime's types leak into the package. */
declare module '*.wasm' {
  const module: unknown;
  export default module;
}
declare module 'node:fs' {
  export function readFileSync(path: string): Uint8Array<ArrayBuffer>;
}
declare module 'node:path' {
  export function join(...parts: string[]): string;
}
interface ImportMeta {
  readonly dirname: string;
}
