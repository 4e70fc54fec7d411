/** A model file by itself: boosted trees, scored without JSON on the way. */
import { run } from './engine.js';
import { PrequalError } from './errors.js';
import { WasmModel } from './glue.js';
import { Handle } from './handle.js';
import { type Result, refused, unwrap } from './result.js';

interface Facts {
  readonly features: readonly string[];
  readonly hash: string;
  readonly label: string;
  readonly width: 32 | 64;
}

/** Boosted trees of a model file, made by {@link loadModel}. */
export class Model {
  /** The names of the features, in the order of a row's values. */
  readonly features: readonly string[];
  /** Lower-case hex SHA-256 of the file's contents, as the file states it and it was found to be. */
  readonly hash: string;
  /** What a person is told the model is; may be empty. */
  readonly label: string;
  /** The bits of the margin: a model of 32 gives numbers that `Math.fround` leaves alone. */
  readonly width: 32 | 64;
  readonly #handle: Handle<WasmModel>;

  /** @internal Made by {@link loadModel} only. */
  constructor(file: string) {
    this.#handle = new Handle(() => new WasmModel(file), refused);
    const facts = unwrap(run(() => this.#handle.live().facts() as Result<Facts>));
    this.features = facts.features;
    this.hash = facts.hash;
    this.label = facts.label;
    this.width = facts.width;
  }

  /**
   * The margin of one row, with the bits of the library that the model is from. NaN is missing; a category is its code.
   *
   * @throws {PrequalError} `row_length`
   */
  score(row: Float64Array): number {
    if (row.length !== this.features.length) {
      throw new PrequalError(
        'row_length',
        `the row has ${row.length} values, and the model has ${this.features.length} features`,
      );
    }
    const model = this.#handle.live();
    return run(() => model.margin(row));
  }

  /**
   * The margins of many rows at once: `rows` holds whole rows one after another.
   *
   * @throws {PrequalError} `row_length`
   */
  scoreRows(rows: Float64Array): Float64Array {
    const model = this.#handle.live();
    const margins = new Float64Array(rows.length / Math.max(1, this.features.length));
    unwrap(run(() => model.margins(rows, margins) as Result<null>));
    return margins;
  }

  /** The probability of a margin that this model gave; NaN where its margin is no log-odds. */
  probability(margin: number): number {
    const model = this.#handle.live();
    return run(() => model.probability(margin));
  }
}

/**
 * Opens a model file of boosted trees (`prequal-trees/1`), as `prequal train` and `prequal import` write it.
 *
 * @throws {PrequalError} `model_syntax`, `model_format`, `model_hash`, `model_limit`, `model_invalid`
 * @throws {WasmUnavailable}
 */
export function loadModel(file: string | Uint8Array): Model {
  if (typeof file === 'string') return new Model(file);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch (cause) {
    throw new PrequalError('model_syntax', 'the model file is not UTF-8', { cause });
  }
  return new Model(text);
}
