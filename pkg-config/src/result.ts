/** The core's answers are tagged, and become a value or a typed error here. */
import { PrequalError } from './errors.js';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

export type Result<T> = { readonly ok: T } | { readonly error: Failure };

/** @throws {PrequalError} what the core found wrong with the input */
export function unwrap<T>(result: Result<T>): T {
  if ('ok' in result) return result.ok;
  throw refused(result.error);
}

export function refused(failure: Failure): PrequalError {
  return new PrequalError(failure.code, failure.message, failure);
}
