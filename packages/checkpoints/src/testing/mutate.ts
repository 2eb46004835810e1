/** Seeded damage to bytes: what the fuzz targets of this package share. */

/** Uniform numbers in [0, 1). */
export type Random = () => number;

/** Mulberry32 (small, fast, good enough to choose bytes), started for one case of a series. */
export function seededRandom(seed: number, index: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whole number in 0..limit-1. */
export const below = (next: Random, limit: number): number => Math.floor(next() * limit);
/** One element of a list. */
export const pick = <T>(next: Random, list: readonly T[]): T => list[below(next, list.length)]!;

/** Numbers at the edges of the integer types. */
export const hostileNumbers: readonly bigint[] = [
  0n,
  1n,
  2n,
  9n,
  31n,
  255n,
  256n,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

type Mutation = (bytes: Buffer, next: Random) => Buffer;

const mutations: readonly Mutation[] = [
  // one bit
  (bytes, next) => {
    const at = below(next, bytes.length);
    bytes[at] = bytes[at]! ^ (1 << below(next, 8));
    return bytes;
  },
  // one byte
  (bytes, next) => {
    bytes[below(next, bytes.length)] = pick(next, [0, 1, 0x20, 0x7f, 0x80, 0xc3, 0xff, below(next, 256)]);
    return bytes;
  },
  // a 32-bit field
  (bytes, next) => {
    if (bytes.length < 4) return bytes;
    bytes.writeUInt32LE(Number(pick(next, hostileNumbers) & 0xffff_ffffn), below(next, bytes.length - 3));
    return bytes;
  },
  // a 64-bit field
  (bytes, next) => {
    if (bytes.length < 8) return bytes;
    const near = BigInt(bytes.length + below(next, 3) - 1);
    bytes.writeBigUInt64LE(pick(next, [...hostileNumbers, near]), below(next, bytes.length - 7));
    return bytes;
  },
  // cut off
  (bytes, next) => bytes.subarray(0, below(next, bytes.length)),
  // a span removed
  (bytes, next) => {
    const at = below(next, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(next, 64))]);
  },
  // a span twice
  (bytes, next) => {
    const at = below(next, bytes.length);
    const end = Math.min(bytes.length, at + 1 + below(next, 128));
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  },
  // a span overwritten by another
  (bytes, next) => {
    const from = below(next, bytes.length);
    bytes.copy(bytes, below(next, bytes.length), from, from + 1 + below(next, 64));
    return bytes;
  },
];

/** A copy of `sample` with `count` mutations. */
export function damage(sample: Uint8Array, count: number, next: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(sample);
  for (let i = 0; i < count && bytes.length > 0; i++) bytes = pick(next, mutations)(bytes, next);
  return bytes;
}
