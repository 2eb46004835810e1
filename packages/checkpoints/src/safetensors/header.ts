import { CheckpointError, quoted, reasonOf } from '../errors.js';
import { dtypeBytes, isDtype, type SafetensorsDtype } from './dtypes.js';

/** Where one tensor lies. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Absolute file offset. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A checked header. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
}

function fail(problem: string, cause?: unknown): CheckpointError {
  return new CheckpointError('SAFETENSORS', problem, { cause });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readMetadata(value: unknown): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (!isRecord(value)) throw fail('"__metadata__" must be an object of strings');
  return new Map(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== 'string') throw fail(`"__metadata__": ${quoted(key)} must be a string`);
      return [key, text];
    }),
  );
}

function readEntry(name: string, value: unknown, dataOffset: number): SafetensorsEntry {
  const what = `tensor ${quoted(name)}`;
  if (!isRecord(value)) throw fail(`${what} must be an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype))
    throw fail(
      `${what}: the dtype ${typeof dtype === 'string' ? quoted(dtype) : '(not a string)'} is not supported`,
    );
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isCount)) {
    throw fail(`${what}: shape must be a list of at most 32 sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw fail(`${what}: data_offsets must be two byte offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const sizeBytes = (shape as number[]).reduce((product, size) => product * size, dtypeBytes(dtype));
  if (end - begin !== sizeBytes) {
    throw fail(`${what}: data_offsets span ${end - begin} bytes but shape and dtype need ${sizeBytes}`);
  }
  return { name, dtype, shape: shape as number[], offset: dataOffset + begin, sizeBytes };
}

/** The format allows neither gaps nor overlaps nor bytes after the last tensor. */
function checkLayout(entries: readonly SafetensorsEntry[], dataOffset: number, fileSizeBytes: number): void {
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset || a.sizeBytes - b.sizeBytes);
  let end = dataOffset;
  for (const { name, offset, sizeBytes } of inOrder) {
    if (offset !== end)
      throw fail(`tensor ${quoted(name)} starts at byte ${offset}, expected ${end}: gap or overlap`);
    end = offset + sizeBytes;
  }
  if (end !== fileSizeBytes) {
    throw fail(`the tensors end at byte ${end} but the file has ${fileSizeBytes}: truncated or corrupt`);
  }
}

const maxHeaderBytes = 100_000_000; // the reference implementation's limit

/**
 * Length in bytes of the JSON header, from the first 8 bytes of the file.
 *
 * @throws CheckpointError `SAFETENSORS` if the file cannot hold so long a header
 */
export function safetensorsHeaderLength(prefix: Uint8Array, fileSizeBytes: number): number {
  if (prefix.byteLength < 8) throw fail('the file is too short for a header');
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(fileSizeBytes - 8) || length > BigInt(maxHeaderBytes)) {
    throw fail(
      `the header claims ${length} bytes, the file has ${fileSizeBytes}: truncated or not a safetensors file`,
    );
  }
  return Number(length);
}

/**
 * Parses and checks the header of a whole file in memory.
 *
 * @throws CheckpointError `SAFETENSORS` naming the tensor or field
 */
export function parseSafetensors(file: Uint8Array): SafetensorsHeader {
  const length = safetensorsHeaderLength(file.subarray(0, 8), file.byteLength);
  return parseSafetensorsHeader(file.subarray(8, 8 + length), file.byteLength);
}

/**
 * Parses and checks the JSON header.
 *
 * @param json the header's bytes (after the 8-byte length)
 * @throws CheckpointError `SAFETENSORS` naming the tensor or field
 */
export function parseSafetensorsHeader(json: Uint8Array, fileSizeBytes: number): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw fail(`the header is not JSON: ${reasonOf(cause)}`, cause);
  }
  if (!isRecord(parsed)) throw fail('the header must be a JSON object');
  const { __metadata__: metadata, ...entries } = parsed;
  const keys = readMetadata(metadata);
  const dataOffset = 8 + json.byteLength;
  const tensors = Object.entries(entries).map(([name, value]) => readEntry(name, value, dataOffset));
  checkLayout(tensors, dataOffset, fileSizeBytes);
  return {
    metadata: keys,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  };
}
