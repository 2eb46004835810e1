/**
 * The safetensors target of the fuzzer: seeded damage to the bytes of small files and to the fields of their JSON
 * header. Whatever comes of it is either read within the file's bounds or refused with a `CheckpointError`.
 */
import { CheckpointError } from '../errors.js';
import { dtypeBytes, toTypedArray } from '../safetensors/dtypes.js';
import { parseSafetensors } from '../safetensors/header.js';
import { below, damage, hostileNumbers, pick, type Random, seededRandom } from './mutate.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const header: Json = {
  __metadata__: { format: 'pt', note: 'é' },
  'model.embed.weight': { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] },
  'model.norm.bias': { dtype: 'F16', shape: [4], data_offsets: [24, 32] },
  empty: { dtype: 'BF16', shape: [0, 7], data_offsets: [32, 32] },
  position_ids: { dtype: 'I64', shape: [1, 2], data_offsets: [32, 48] },
  scale: { dtype: 'F64', shape: [], data_offsets: [48, 56] },
};
const dataBytes = 56;

function encode(json: string, claimedLength = BigInt(Buffer.byteLength(json))): Buffer {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(json) + dataBytes);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, claimedLength), 0);
  bytes.write(json, 8);
  return bytes;
}

const strange: readonly Json[] = [
  null,
  true,
  '',
  'F32',
  'F8_E5M2',
  '__proto__',
  [],
  {},
  [0, 8],
  [24, 32, 40],
  -1,
  0.5,
  1e308,
  2 ** 53,
  [2 ** 31, 2 ** 31],
  [2 ** 53 - 1, 0],
];

/** A copy of a JSON value with one part of it replaced, removed, doubled or renamed. */
function damageJson(value: Json, next: Random): Json {
  if (typeof value !== 'object' || value === null || next() < 0.1) {
    if (typeof value === 'number' && next() < 0.7) {
      return pick(next, [value + 1, value - 1, value * 2, -value, 8, Number(pick(next, hostileNumbers))]);
    }
    return pick(next, strange);
  }
  if (Array.isArray(value)) {
    const at = below(next, value.length + 1);
    if (next() < 0.2)
      return next() < 0.5 ? value.toSpliced(at, 1) : value.toSpliced(at, 0, pick(next, strange));
    return value.map((part, index) => (index === at ? damageJson(part, next) : part));
  }
  const entries = Object.entries(value);
  const chosen = below(next, entries.length);
  const kind = next();
  if (kind < 0.15) entries.splice(chosen, 1);
  else if (kind < 0.25) entries.push([`copy ${chosen}`, entries[chosen]?.[1] ?? null]);
  else if (kind < 0.35) entries[chosen] = [pick(next, ['__proto__', '__metadata__', 'constructor', '']), {}];
  return Object.fromEntries(
    entries.map(([key, part], index) => [key, index === chosen ? damageJson(part, next) : part]),
  );
}

/** Bytes of case `index` of the series `seed`. */
export function safetensorsFuzzCase(seed: number, index: number): Uint8Array {
  const next = seededRandom(seed, index);
  let json: Json = header;
  for (let count = below(next, 4); count > 0; count--) json = damageJson(json, next);
  const text = JSON.stringify(json);
  const bytes = next() < 0.05 ? encode(text, pick(next, hostileNumbers)) : encode(text);
  return damage(bytes, below(next, 4), next);
}

/**
 * Outcome of one case: `ok`, or the code of the refusal.
 * @throws Error if something other than a `CheckpointError` escapes or a tensor reaches outside the file
 */
export function runSafetensorsCase(bytes: Uint8Array): string {
  try {
    const { tensors } = parseSafetensors(bytes);
    let covered = 0;
    for (const { name, dtype, shape, offset, sizeBytes } of tensors.values()) {
      if (offset < 8 || sizeBytes < 0 || offset + sizeBytes > bytes.byteLength) {
        throw new Error(`tensor ${name} at ${offset} of ${sizeBytes} bytes is outside the file`);
      }
      const data = toTypedArray(dtype, Uint8Array.from(bytes.subarray(offset, offset + sizeBytes)).buffer);
      const count = shape.reduce((product, size) => product * size, 1);
      if (data.length !== count || count * dtypeBytes(dtype) !== sizeBytes) {
        throw new Error(`tensor ${name}: ${data.length} elements for [${shape}]`);
      }
      covered += sizeBytes;
    }
    if (covered > bytes.byteLength - 8) throw new Error('tensors overlap');
    return 'ok';
  } catch (error) {
    if (CheckpointError.isInstance(error)) return error.code;
    throw error;
  }
}
