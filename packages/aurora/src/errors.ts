/** Stable codes: `ARGUMENT` a caller's mistake, `MODEL` a model that cannot be used, `DATA` a file or data set that cannot. */
export type AuroraErrorCode = 'ARGUMENT' | 'MODEL' | 'DATA';

const marker = Symbol.for('triptych.AuroraError');

/** An error of this package: `code` for programs, `message` (names the field and the remedy) for people. */
export class AuroraError extends Error {
  override readonly name = 'AuroraError';
  readonly code: AuroraErrorCode;
  /** The argument or option that caused it, where there is one: for APIs that name fields. */
  readonly field: string | undefined;
  readonly [marker] = true;

  constructor(code: AuroraErrorCode, message: string, options?: { cause?: unknown; field?: string }) {
    super(message, options);
    this.code = code;
    this.field = options?.field;
  }

  /** True for an `AuroraError` of any copy of this package. */
  static isInstance(error: unknown): error is AuroraError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[marker] === true;
  }
}
