import type { FileHandle } from 'node:fs/promises';
import { CheckpointError, quoted, reasonOf } from '../errors.js';
import { openFile } from '../open-file.js';
import { readBytes } from '../read-bytes.js';
import { type SafetensorsArray, type SafetensorsDtype, toTypedArray } from './dtypes.js';
import {
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
  safetensorsHeaderLength,
} from './header.js';

/** A tensor in memory, row-major. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** F16 and BF16 as bits in a Uint16Array, BOOL and 8-bit floats as Uint8Array. */
  readonly data: SafetensorsArray;
}

export interface ReadSafetensorsOptions {
  /** Read only these tensors. Default: all. */
  readonly names?: Iterable<string>;
  readonly signal?: AbortSignal;
}

async function withFile<T>(
  path: string,
  use: (file: FileHandle) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await openFile(path);
    return await use(file);
  } catch (error) {
    if (CheckpointError.isInstance(error) || signal?.aborted) throw error;
    throw new CheckpointError('IO', `cannot read ${quoted(path)}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await file?.close();
  }
}

async function readHeader(file: FileHandle, signal?: AbortSignal): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  const prefix = await readBytes(file, 0, 8, signal);
  const length = safetensorsHeaderLength(prefix, size);
  return parseSafetensorsHeader(await readBytes(file, 8, length, signal), size);
}

async function readTensor(
  file: FileHandle,
  entry: SafetensorsEntry,
  signal?: AbortSignal,
): Promise<SafetensorsTensor> {
  const bytes = await readBytes(file, entry.offset, entry.sizeBytes, signal);
  if (bytes.byteLength < entry.sizeBytes) {
    throw new CheckpointError('SAFETENSORS', `the file ends inside tensor ${quoted(entry.name)}`);
  }
  const { dtype, shape } = entry;
  return { dtype, shape, data: toTypedArray(dtype, bytes.buffer as ArrayBuffer) };
}

/**
 * Reads and checks the header only.
 *
 * @throws CheckpointError `IO`, `SAFETENSORS`
 */
export async function openSafetensors(
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<SafetensorsHeader> {
  return await withFile(path, (file) => readHeader(file, options.signal), options.signal);
}

/**
 * Reads tensors (all, or those named) into typed arrays.
 *
 * @throws CheckpointError `IO`, `SAFETENSORS` (malformed file, or a name it does not hold); the signal's reason
 */
export async function readSafetensors(
  path: string,
  { names, signal }: ReadSafetensorsOptions = {},
): Promise<{
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}> {
  const read = async (file: FileHandle) => {
    const header = await readHeader(file, signal);
    const tensors = new Map<string, SafetensorsTensor>();
    for (const name of names ?? header.tensors.keys()) {
      const entry = header.tensors.get(name);
      if (entry === undefined)
        throw new CheckpointError('SAFETENSORS', `${quoted(path)} has no tensor ${quoted(name)}`);
      tensors.set(name, await readTensor(file, entry, signal));
    }
    return { metadata: header.metadata, tensors };
  };
  return await withFile(path, read, signal);
}
