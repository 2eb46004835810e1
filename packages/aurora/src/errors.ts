/** Stable codes: `ARGUMENT` a caller's mistake, `MODEL` a model that cannot be used, `DATA` a file or data set that cannot. */
export type AuroraErrorCode = 'ARGUMENT' | 'MODEL' | 'DATA';

const marker = Symbol.for('triptych.AuroraError');

/** An error of this package: `code` for programs, `message` (names the field and the remedy) for people. */
export class AuroraError extends Error {
  override readonly name = 'AuroraError';
  readonly code: AuroraErrorCode;
  readonly [marker] = true;

  constructor(code: AuroraErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** True for an `AuroraError` of any copy of this package. */
  static isInstance(error: unknown): error is AuroraError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[marker] === true;
  }
}
