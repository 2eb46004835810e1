/**
 * @module
 * The errors of this package. A shortage of memory is not among them: `step` returns it as a number.
 */

export type KvErrorCode =
  /** A geometry field is missing, no whole number or out of range. */
  | 'invalid_geometry'
  /** An option or argument is out of range. */
  | 'invalid_argument'
  /** The slot is not one that `acquire` gave out and `release` has not taken back. */
  | 'slot_not_active'
  /** The system refused the reservation. */
  | 'reservation_failed'
  /** Guard mode needs more mappings than the system allows a process. */
  | 'guard_failed'
  /** The memory has been disposed. */
  | 'closed';

const marker = Symbol.for('triptych.KvError');

/** A wrong use of KV memory, or a system that cannot provide it. The message names the field and the fix. */
export class KvError extends Error {
  readonly code: KvErrorCode;

  constructor(code: KvErrorCode, message: string) {
    super(message);
    this.name = 'KvError';
    this.code = code;
    Object.defineProperty(this, marker, { value: true });
  }

  /** Works across duplicate installs of this package, unlike `instanceof`. */
  static isInstance(error: unknown): error is KvError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}
