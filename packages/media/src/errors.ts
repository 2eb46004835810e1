/**
 * The one error class of this package and the catalogue of its codes.
 *
 * @module
 */

/** Stable machine-readable codes. New ones may be added, existing ones keep their meaning. */
export type MediaErrorCode =
  /** A file cannot be opened, read or written. */
  | 'IO'
  /** Not an image of a supported format, or damaged or cut short. */
  | 'IMAGE_DECODE'
  /** More bytes or pixels than the caller allows (also decompression bombs). */
  | 'IMAGE_LIMIT'
  /** An image that cannot be encoded as asked. */
  | 'IMAGE_ENCODE'
  /** PNG text that is malformed or not allowed. */
  | 'PNG_TEXT'
  /** node-av, which is optional, is not installed. */
  | 'VIDEO_UNAVAILABLE'
  /** A video file that cannot be decoded or encoded. */
  | 'VIDEO'
  /** An argument from the calling program that makes no sense. */
  | 'ARGUMENT';

const marker = Symbol.for('triptych.MediaError');

/** An error of this package: `code` for programs, `message` (names the field and the remedy) for people. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
  readonly code: MediaErrorCode;
  readonly [marker] = true;

  constructor(code: MediaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** True for a `MediaError` of any copy of this package. */
  static isInstance(error: unknown): error is MediaError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[marker] === true;
  }
}

/** The message of anything thrown, for use inside another message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
