/** What lives inside the WebAssembly instance, and must be opened again when that is replaced. */
import { currentGeneration, run, whenReplaced } from './engine.js';
import type { Failure } from './result.js';

/** What the generated code makes. */
interface Low {
  free(): void;
  failure(): unknown;
}

// Strong references, so that the generated finalizers never run: after a trap they would free memory of the
// instance that came later. Our own registry below knows the generation.
const alive = new Set<Low>();
whenReplaced(() => {
  for (const low of alive) (low as unknown as { __destroy_into_raw(): number }).__destroy_into_raw();
  alive.clear();
});

interface Held<T> {
  low: T;
  generation: number;
}

const collected = new FinalizationRegistry<Held<Low>>((held) => {
  if (held.generation !== currentGeneration()) return;
  alive.delete(held.low);
  held.low.free();
});

/** One thing in the running instance; it is freed when nobody holds this any more. */
export class Handle<T extends Low> {
  readonly #open: () => T;
  readonly #refused: (failure: Failure) => Error;
  readonly #held: Held<T>;

  /** @throws what `refused` makes of the reason for which the core did not take it */
  constructor(open: () => T, refused: (failure: Failure) => Error) {
    this.#open = open;
    this.#refused = refused;
    this.#held = this.#make();
    collected.register(this, this.#held);
  }

  /** The thing itself, opened again if the instance was replaced. */
  live(): T {
    if (this.#held.generation !== currentGeneration()) Object.assign(this.#held, this.#make());
    return this.#held.low;
  }

  #make(): Held<T> {
    const { low, failure } = run(() => {
      const low = this.#open();
      return { low, failure: low.failure() as Failure | undefined };
    });
    if (failure !== undefined) {
      low.free();
      throw this.#refused(failure);
    }
    alive.add(low);
    return { low, generation: currentGeneration() };
  }
}
