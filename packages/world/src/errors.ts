/** Stable codes: `ARGUMENT` a caller's mistake, `PLACEMENT` no room found, `PHYSICS` did not come to rest, `WORKER` a render worker died. */
export type WorldErrorCode = 'ARGUMENT' | 'PLACEMENT' | 'PHYSICS' | 'WORKER';

const marker = Symbol.for('triptych.WorldError');

/** An error of this package: `code` for programs, `message` (names the field and the remedy) for people. */
export class WorldError extends Error {
  override readonly name = 'WorldError';
  readonly code: WorldErrorCode;
  readonly [marker] = true;

  constructor(code: WorldErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** True for a `WorldError` of any copy of this package. */
  static isInstance(error: unknown): error is WorldError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[marker] === true;
  }
}
