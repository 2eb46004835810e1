/**
 * The GGUF target of the fuzzer: seeded damage to valid files, and the check that whatever comes of it either works or
 * is refused with a `CheckpointError`.
 */
import { CheckpointError } from '../errors.js';
import { type GgufHeader, parseGguf } from '../gguf/parse.js';
import { llamaConfig } from '../llama-config.js';
import { chatTemplate } from '../template/chat-template.js';
import { createTokenizer } from '../tokenizer/tokenizer.js';
import { bytePairSample, everyTypeSample, sentencePieceSample } from './gguf-samples.js';

type Random = () => number;

/** Mulberry32: small, fast, good enough to choose bytes. */
function random(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (next: Random, limit: number): number => Math.floor(next() * limit);
const pick = <T>(next: Random, list: readonly T[]): T => list[below(next, list.length)]!;

const hostileNumbers: readonly bigint[] = [
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

const samples: readonly Uint8Array[] = [sentencePieceSample(), bytePairSample(), everyTypeSample()];

/** Bytes of case `index` of the series `seed`: one of the samples with one to six mutations. */
export function fuzzCase(seed: number, index: number): Uint8Array {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  let bytes: Buffer = Buffer.from(pick(next, samples));
  const count = 1 + below(next, 6);
  for (let i = 0; i < count && bytes.length > 0; i++) bytes = pick(next, mutations)(bytes, next);
  return bytes;
}

/** Uses everything a server would take from the header. */
function useHeader(header: GgufHeader): void {
  const attempt = (use: () => void): void => {
    try {
      use();
    } catch (error) {
      if (!CheckpointError.isInstance(error)) throw error;
    }
  };
  attempt(() => llamaConfig(header));
  attempt(() => {
    const tokenizer = createTokenizer(header.metadata);
    const ids = tokenizer.encode('ab é\n <s> [T] abc', { parseSpecial: true });
    tokenizer.decode(ids, { renderSpecial: true });
  });
  attempt(() => chatTemplate(header.metadata)?.render({ messages: [{ role: 'user', content: 'hi' }] }));
}

/** Every tensor lies in the file and every number of the header is of the promised kind. */
function checkHeader(header: GgufHeader, fileSizeBytes: number): void {
  for (const { name, offset, sizeBytes } of header.tensors.values()) {
    const isInside = offset >= header.dataOffset && sizeBytes > 0 && offset + sizeBytes <= fileSizeBytes;
    if (!isInside) throw new Error(`tensor ${name} at ${offset} of ${sizeBytes} bytes is outside the file`);
  }
}

/** Outcome of one case: `ok`, the code of the refusal, or an error that is none of ours. */
export function runCase(bytes: Uint8Array): string {
  try {
    const header = parseGguf(bytes);
    checkHeader(header, bytes.byteLength);
    useHeader(header);
    return 'ok';
  } catch (error) {
    if (CheckpointError.isInstance(error)) return error.code;
    throw error;
  }
}
