import { CheckpointError } from '../errors.js';
import type { GgmlType } from '../gguf/ggml-types.js';
import { ggmlType } from '../gguf/ggml-types.js';
import { fromQ40, fromQ80, toQ40, toQ80 } from './blocks.js';
import { fromBf16, fromF16, toBf16, toF16 } from './half.js';

/** The types this package writes. */
export type WritableType = Extract<GgmlType, 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0'>;

/** A copy of any view's bytes, aligned for every element type. */
function alignedBytes(view: ArrayBufferView): ArrayBuffer {
  const copy = new Uint8Array(view.byteLength);
  copy.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return copy.buffer;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Encodes weights as `type`, rounded exactly as ggml's reference code. Rows must be multiples of the block size (32
 * for Q8_0 and Q4_0), so whole tensors can be encoded at once.
 *
 * @throws CheckpointError `ARGUMENT` when the length is not a multiple of the block size, or for another type
 */
export function quantize(type: WritableType, values: Float32Array): Uint8Array {
  const { blockSize } = ggmlType(type);
  if (values.length % blockSize !== 0) {
    throw new CheckpointError(
      'ARGUMENT',
      `${values.length} weights do not divide into ${type} blocks of ${blockSize}`,
    );
  }
  switch (type) {
    case 'F32':
      return bytesOf(values);
    case 'F16':
      return bytesOf(toF16(values));
    case 'BF16':
      return bytesOf(toBf16(values));
    case 'Q8_0':
      return toQ80(values);
    case 'Q4_0':
      return toQ40(values);
    default:
      throw new CheckpointError('ARGUMENT', `cannot write tensors of type ${String(type)}`);
  }
}

/**
 * Decodes tensor bytes to float32: the slow, plain reference for tests and tools.
 *
 * @throws CheckpointError `ARGUMENT` for a type other than F32, F16, BF16, Q8_0, Q4_0, or a partial block
 */
export function dequantize(type: GgmlType, bytes: Uint8Array): Float32Array {
  if (bytes.byteLength % ggmlType(type).blockBytes !== 0) {
    throw new CheckpointError('ARGUMENT', `${bytes.byteLength} bytes are not whole ${type} blocks`);
  }
  switch (type) {
    case 'F32':
      return new Float32Array(alignedBytes(bytes));
    case 'F16':
      return fromF16(new Uint16Array(alignedBytes(bytes)));
    case 'BF16':
      return fromBf16(new Uint16Array(alignedBytes(bytes)));
    case 'Q8_0':
      return fromQ80(bytes);
    case 'Q4_0':
      return fromQ40(bytes);
    default:
      throw new CheckpointError('ARGUMENT', `cannot decode tensors of type ${type}`);
  }
}
