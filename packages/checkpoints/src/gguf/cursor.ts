import { CheckpointError } from '../errors.js';
import type { GgufNumberArray, GgufNumberType } from './values.js';

/** Thrown (and caught by the reader) when the window ends before the header does: read more and start again. */
export class NeedMoreBytes extends Error {
  readonly endOffset: number;
  constructor(endOffset: number) {
    super('window too small');
    this.endOffset = endOffset;
  }
}

/** How a numeric type is laid out and read. */
interface NumberCodec {
  readonly sizeBytes: number;
  readonly read: (view: DataView, offset: number) => number | bigint;
  readonly array: (buffer: ArrayBuffer) => GgufNumberArray;
}

/** A 64-bit integer as a number where that is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export const numberCodecs: Record<GgufNumberType, NumberCodec> = {
  uint8: { sizeBytes: 1, read: (v, o) => v.getUint8(o), array: (b) => new Uint8Array(b) },
  int8: { sizeBytes: 1, read: (v, o) => v.getInt8(o), array: (b) => new Int8Array(b) },
  uint16: { sizeBytes: 2, read: (v, o) => v.getUint16(o, true), array: (b) => new Uint16Array(b) },
  int16: { sizeBytes: 2, read: (v, o) => v.getInt16(o, true), array: (b) => new Int16Array(b) },
  uint32: { sizeBytes: 4, read: (v, o) => v.getUint32(o, true), array: (b) => new Uint32Array(b) },
  int32: { sizeBytes: 4, read: (v, o) => v.getInt32(o, true), array: (b) => new Int32Array(b) },
  float32: { sizeBytes: 4, read: (v, o) => v.getFloat32(o, true), array: (b) => new Float32Array(b) },
  uint64: {
    sizeBytes: 8,
    read: (v, o) => narrow(v.getBigUint64(o, true)),
    array: (b) => new BigUint64Array(b),
  },
  int64: { sizeBytes: 8, read: (v, o) => narrow(v.getBigInt64(o, true)), array: (b) => new BigInt64Array(b) },
  float64: { sizeBytes: 8, read: (v, o) => v.getFloat64(o, true), array: (b) => new Float64Array(b) },
};

/**
 * Reads little-endian values in order from a window over the start of a file. Every length is checked against the
 * bytes the file still has before anything is allocated for it.
 */
export class Cursor {
  /** Bytes of the file that have been consumed. */
  offset = 0;
  readonly #window: Buffer;
  readonly #view: DataView;
  readonly #fileSizeBytes: number;
  readonly #maxHeaderBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(window: Uint8Array, fileSizeBytes: number, maxHeaderBytes: number) {
    this.#window = Buffer.from(window.buffer, window.byteOffset, window.byteLength);
    this.#view = new DataView(window.buffer, window.byteOffset, window.byteLength);
    this.#fileSizeBytes = fileSizeBytes;
    this.#maxHeaderBytes = maxHeaderBytes;
  }

  /** Throws unless the file can still hold `count` items of at least `minItemBytes` each. */
  expect(count: number, minItemBytes: number, what: string): void {
    const leftBytes = this.#fileSizeBytes - this.offset;
    if (count > leftBytes / minItemBytes) {
      throw new CheckpointError(
        'GGUF_TRUNCATED',
        `${what} needs ${count} x ${minItemBytes} bytes but the file has ${leftBytes} left: truncated or corrupt`,
      );
    }
    if (this.offset + count * minItemBytes > this.#maxHeaderBytes) {
      throw new CheckpointError(
        'GGUF_LIMIT',
        `${what} reaches beyond the header limit of ${this.#maxHeaderBytes} bytes (option maxHeaderBytes)`,
      );
    }
  }

  number(type: GgufNumberType, what: string): number | bigint {
    const codec = numberCodecs[type];
    const at = this.#take(codec.sizeBytes, what);
    return codec.read(this.#view, at);
  }

  uint32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  /** A 64-bit count, length, dimension or offset; refused where a number cannot hold it. */
  count(what: string): number {
    const at = this.#take(8, what);
    const high = this.#view.getUint32(at + 4, true);
    if (high >= 0x20_0000) {
      throw new CheckpointError(
        'GGUF_LIMIT',
        `${what} is ${this.#view.getBigUint64(at, true)}: absurd, the file is corrupt`,
      );
    }
    return high * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  bool(what: string): boolean {
    const byte = this.#view.getUint8(this.#take(1, what));
    if (byte > 1)
      throw new CheckpointError('GGUF_METADATA', `${what} is a boolean with the value ${byte}, not 0 or 1`);
    return byte === 1;
  }

  /** A length-prefixed UTF-8 string of at most `maxBytes`. */
  string(maxBytes: number, what: string): string {
    const length = this.count(`length of ${what}`);
    this.expect(length, 1, what);
    if (length > maxBytes) {
      throw new CheckpointError(
        'GGUF_LIMIT',
        `${what} is ${length} bytes long, at most ${maxBytes} are allowed`,
      );
    }
    const at = this.#take(length, what);
    if (length < 64 && this.#isAscii(at, length)) return this.#window.toString('latin1', at, at + length);
    try {
      return this.#decoder.decode(this.#window.subarray(at, at + length));
    } catch (cause) {
      throw new CheckpointError('GGUF_UTF8', `${what} is not valid UTF-8`, { cause });
    }
  }

  /** `count` packed numbers, copied into an aligned typed array. */
  numbers(type: GgufNumberType, count: number, what: string): GgufNumberArray {
    const { sizeBytes, array } = numberCodecs[type];
    this.expect(count, sizeBytes, what);
    const at = this.#take(count * sizeBytes, what);
    const copy = new ArrayBuffer(count * sizeBytes);
    new Uint8Array(copy).set(this.#window.subarray(at, at + count * sizeBytes));
    return array(copy);
  }

  #isAscii(at: number, length: number): boolean {
    for (let i = at; i < at + length; i++) if (this.#window[i]! >= 0x80) return false;
    return true;
  }

  /** Consumes `sizeBytes` and returns where they start in the window. */
  #take(sizeBytes: number, what: string): number {
    this.expect(sizeBytes, 1, what);
    const end = this.offset + sizeBytes;
    if (end > this.#window.byteLength) throw new NeedMoreBytes(end);
    const at = this.offset;
    this.offset = end;
    return at;
  }
}
