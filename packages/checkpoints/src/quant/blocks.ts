/**
 * Q8_0 and Q4_0: blocks of 32 weights with one half-precision scale, rounded bit for bit as ggml's reference
 * quantisers (`quantize_row_q8_0_ref`, `quantize_row_q4_0_ref`). They compute in float32, hence the `Math.fround`s.
 *
 * @module
 */
import { fromHalfBits, toHalfBits } from './half.js';

const blockSize = 32;
const q8Bytes = 34; // [scale f16][32 x int8]
const q4Bytes = 18; // [scale f16][16 bytes: element j in the low nibble of byte j, element j + 16 in the high one]
const { fround } = Math;

/** C's `roundf`: ties away from zero. */
function roundAway(value: number): number {
  return value < 0 ? -Math.floor(-value + 0.5) : Math.floor(value + 0.5);
}

/** `1 / scale` as the reference computes it, and 0 for an all-zero block. */
function inverse(scale: number): number {
  return scale === 0 ? 0 : fround(1 / scale);
}

/** Float32 weights (a multiple of 32) to Q8_0. */
export function toQ80(values: Float32Array): Uint8Array {
  const blocks = values.length / blockSize;
  const out = new Uint8Array(blocks * q8Bytes);
  const view = new DataView(out.buffer);
  for (let block = 0; block < blocks; block++) {
    const from = block * blockSize;
    let largest = 0;
    for (let i = from; i < from + blockSize; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = fround(largest / 127);
    const factor = inverse(scale);
    const at = block * q8Bytes;
    view.setUint16(at, toHalfBits(scale), true);
    for (let j = 0; j < blockSize; j++)
      view.setInt8(at + 2 + j, roundAway(fround(values[from + j]! * factor)));
  }
  return out;
}

/** Q8_0 to float32. */
export function fromQ80(bytes: Uint8Array): Float32Array {
  const blocks = bytes.byteLength / q8Bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(blocks * blockSize);
  for (let block = 0; block < blocks; block++) {
    const at = block * q8Bytes;
    const scale = fromHalfBits(view.getUint16(at, true));
    for (let j = 0; j < blockSize; j++) out[block * blockSize + j] = scale * view.getInt8(at + 2 + j);
  }
  return out;
}

/** The 4-bit code of one weight: 0..15, 8 standing for zero. */
function nibble(value: number, factor: number): number {
  return Math.min(15, Math.trunc(fround(fround(value * factor) + 8.5)));
}

/** Float32 weights (a multiple of 32) to Q4_0. */
export function toQ40(values: Float32Array): Uint8Array {
  const blocks = values.length / blockSize;
  const half = blockSize / 2;
  const out = new Uint8Array(blocks * q4Bytes);
  const view = new DataView(out.buffer);
  for (let block = 0; block < blocks; block++) {
    const from = block * blockSize;
    let extreme = 0; // the weight of largest magnitude, with its sign: it maps to code 0, that is -8
    for (let i = from; i < from + blockSize; i++) {
      if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!;
    }
    const scale = fround(extreme / -8);
    const factor = inverse(scale);
    const at = block * q4Bytes;
    view.setUint16(at, toHalfBits(scale), true);
    for (let j = 0; j < half; j++) {
      out[at + 2 + j] = nibble(values[from + j]!, factor) | (nibble(values[from + half + j]!, factor) << 4);
    }
  }
  return out;
}

/** Q4_0 to float32. */
export function fromQ40(bytes: Uint8Array): Float32Array {
  const blocks = bytes.byteLength / q4Bytes;
  const half = blockSize / 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(blocks * blockSize);
  for (let block = 0; block < blocks; block++) {
    const at = block * q4Bytes;
    const scale = fromHalfBits(view.getUint16(at, true));
    for (let j = 0; j < half; j++) {
      const codes = bytes[at + 2 + j]!;
      out[block * blockSize + j] = scale * ((codes & 15) - 8);
      out[block * blockSize + half + j] = scale * ((codes >>> 4) - 8);
    }
  }
  return out;
}
