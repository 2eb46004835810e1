/**
 * @module
 * The errors a text engine gives its callers. Codes are stable; messages name the field and the fix.
 */

export type EngineErrorCode =
  | 'invalid_request'
  | 'prompt_too_long'
  | 'no_chat_template'
  | 'overloaded'
  | 'closed'
  | 'unsupported_model'
  | 'out_of_memory';

const marker = Symbol.for('triptych.EngineError');

/** An error the caller can act on. `field` names the request field that caused it, where one did. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  readonly field: string | undefined;

  constructor(code: EngineErrorCode, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'EngineError';
    this.code = code;
    this.field = options.field;
    Object.defineProperty(this, marker, { value: true });
  }

  /** Works across duplicate installs of this package, unlike `instanceof`. */
  static isInstance(error: unknown): error is EngineError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}
