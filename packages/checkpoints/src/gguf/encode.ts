import { CheckpointError, quoted } from '../errors.js';
import {
  type GgufInputMetadata,
  type GgufInputValue,
  type GgufNumber,
  type GgufNumberArray,
  type GgufNumberType,
  valueTypeIds,
} from './values.js';

/** Appends little-endian values to a growing buffer. */
export class ByteWriter {
  #bytes = Buffer.alloc(1 << 12);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  uint32(value: number): void {
    const at = this.#reserve(4); // first: it may replace the buffer
    this.#bytes.writeUInt32LE(value, at);
  }

  uint64(value: number | bigint): void {
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64LE(BigInt(value), at);
  }

  string(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.uint64(bytes.byteLength);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  zeros(count: number): void {
    const at = this.#reserve(count);
    this.#bytes.fill(0, at, at + count);
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.byteLength) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#bytes.byteLength * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}

interface NumberRange {
  readonly bytes: number;
  readonly write: (view: DataView, value: number | bigint) => void;
  /** Bounds of the integer types. */
  readonly range?: readonly [min: bigint, max: bigint];
}

const unsigned = (bits: bigint): readonly [bigint, bigint] => [0n, (1n << bits) - 1n];
const signed = (bits: bigint): readonly [bigint, bigint] => [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];

const numberWriters: Record<GgufNumberType, NumberRange> = {
  uint8: { bytes: 1, range: unsigned(8n), write: (v, x) => v.setUint8(0, Number(x)) },
  int8: { bytes: 1, range: signed(8n), write: (v, x) => v.setInt8(0, Number(x)) },
  uint16: { bytes: 2, range: unsigned(16n), write: (v, x) => v.setUint16(0, Number(x), true) },
  int16: { bytes: 2, range: signed(16n), write: (v, x) => v.setInt16(0, Number(x), true) },
  uint32: { bytes: 4, range: unsigned(32n), write: (v, x) => v.setUint32(0, Number(x), true) },
  int32: { bytes: 4, range: signed(32n), write: (v, x) => v.setInt32(0, Number(x), true) },
  uint64: { bytes: 8, range: unsigned(64n), write: (v, x) => v.setBigUint64(0, BigInt(x), true) },
  int64: { bytes: 8, range: signed(64n), write: (v, x) => v.setBigInt64(0, BigInt(x), true) },
  float32: { bytes: 4, write: (v, x) => v.setFloat32(0, Number(x), true) },
  float64: { bytes: 8, write: (v, x) => v.setFloat64(0, Number(x), true) },
};

function writeNumber(writer: ByteWriter, key: string, { type, value }: GgufNumber): void {
  const { bytes, range, write } = numberWriters[type];
  if (range) {
    const isInteger = typeof value === 'bigint' || Number.isSafeInteger(value);
    if (!isInteger || BigInt(value) < range[0] || BigInt(value) > range[1]) {
      throw new CheckpointError('GGUF_METADATA', `metadata ${quoted(key)}: ${value} does not fit ${type}`);
    }
  }
  const view = new DataView(new ArrayBuffer(bytes));
  write(view, value);
  writer.raw(new Uint8Array(view.buffer));
}

function itemTypeOf(array: GgufNumberArray): GgufNumberType {
  if (array instanceof Uint8Array) return 'uint8';
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint16Array) return 'uint16';
  if (array instanceof Int16Array) return 'int16';
  if (array instanceof Uint32Array) return 'uint32';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof Float32Array) return 'float32';
  if (array instanceof BigUint64Array) return 'uint64';
  if (array instanceof BigInt64Array) return 'int64';
  return 'float64';
}

function writeArray(
  writer: ByteWriter,
  array: GgufNumberArray | readonly string[] | readonly boolean[],
): void {
  writer.uint32(valueTypeIds.array);
  if (ArrayBuffer.isView(array)) {
    writer.uint32(valueTypeIds[itemTypeOf(array)]);
    writer.uint64(array.length);
    writer.raw(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return;
  }
  writer.uint32(typeof array[0] === 'boolean' ? valueTypeIds.bool : valueTypeIds.string);
  writer.uint64(array.length);
  for (const item of array) {
    if (typeof item === 'string') writer.string(item);
    else writer.raw(Uint8Array.of(item ? 1 : 0));
  }
}

function writeValue(writer: ByteWriter, key: string, value: GgufInputValue): void {
  if (typeof value === 'string') {
    writer.uint32(valueTypeIds.string);
    writer.string(value);
  } else if (typeof value === 'boolean') {
    writer.uint32(valueTypeIds.bool);
    writer.raw(Uint8Array.of(value ? 1 : 0));
  } else if ('type' in value) {
    writer.uint32(valueTypeIds[value.type]);
    writeNumber(writer, key, value);
  } else {
    writeArray(writer, value);
  }
}

/** Appends the metadata section. Keys keep their order. */
export function writeMetadata(writer: ByteWriter, metadata: GgufInputMetadata): void {
  for (const [key, value] of metadata) {
    if (key.length === 0 || Buffer.byteLength(key) > 65535) {
      throw new CheckpointError('GGUF_METADATA', `metadata key ${quoted(key)} must have 1 to 65535 bytes`);
    }
    writer.string(key);
    writeValue(writer, key, value);
  }
}
