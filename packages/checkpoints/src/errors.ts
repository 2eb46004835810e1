/**
 * The one error class of this package and the catalogue of its codes. Everything a caller or a hostile file can
 * cause arrives as a `CheckpointError`; anything else that escapes is a bug of ours.
 *
 * @module
 */

/** Stable machine-readable codes. New ones may be added, existing ones keep their meaning. */
export type CheckpointErrorCode =
  /** The file cannot be opened, read or written. */
  | 'IO'
  /** The four bytes at the start are not `GGUF`. */
  | 'GGUF_MAGIC'
  /** A GGUF version other than 2 and 3. */
  | 'GGUF_VERSION'
  /** A GGUF file in big-endian byte order. */
  | 'GGUF_BIG_ENDIAN'
  /** The file ends before its header or its tensor data does. */
  | 'GGUF_TRUNCATED'
  /** A count, length or size beyond what the file or this reader can hold. */
  | 'GGUF_LIMIT'
  /** A metadata value of a wrong type or with an impossible value. */
  | 'GGUF_METADATA'
  /** A string that is not valid UTF-8. */
  | 'GGUF_UTF8'
  /** Two metadata keys or two tensors of one name. */
  | 'GGUF_DUPLICATE'
  /** A tensor with impossible dimensions, type, offset or size. */
  | 'GGUF_TENSOR'
  /** A model configuration that is missing a key or holds an absurd number. */
  | 'MODEL_CONFIG'
  /** A safetensors file whose header or data is malformed. */
  | 'SAFETENSORS'
  /** Tokenizer metadata that is missing, inconsistent or of a kind that is not supported. */
  | 'TOKENIZER'
  /** A token id outside the vocabulary. */
  | 'TOKEN_ID'
  /** A chat template that does not parse or failed while rendering. */
  | 'CHAT_TEMPLATE'
  /** An argument from the calling program that makes no sense. */
  | 'ARGUMENT';

const marker = Symbol.for('triptych.CheckpointError');

/** An error of this package: `code` for programs, `message` (names the field and the remedy) for people. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
  readonly code: CheckpointErrorCode;
  readonly [marker] = true;

  constructor(code: CheckpointErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** True for a `CheckpointError` of any copy of this package (`instanceof` fails across duplicate installs). */
  static isInstance(error: unknown): error is CheckpointError {
    return typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[marker] === true;
  }
}

/** The message of anything thrown, for use inside another message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A name from an untrusted file, made safe to print: quoted, control characters escaped, shortened. */
export function quoted(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return JSON.stringify(short);
}
