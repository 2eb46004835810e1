import type { FileHandle } from 'node:fs/promises';
import { CheckpointError, quoted, reasonOf } from '../errors.js';
import { openFile } from '../open-file.js';
import { readBytes } from '../read-bytes.js';
import { NeedMoreBytes } from './cursor.js';
import { type GgufHeader, type GgufParseOptions, parseGguf } from './parse.js';
import type { GgufTensor } from './tensors.js';

/** A GGUF file whose header has been read and checked. The tensor data stays in the file. */
export interface GgufFile extends GgufHeader {
  readonly path: string;
  readonly fileSizeBytes: number;
}

export interface OpenGgufOptions extends GgufParseOptions {
  readonly signal?: AbortSignal;
}

const firstWindowBytes = 1 << 20;
const windowGrowth = 4; // parsing starts again with each window: 1/4 + 1/16 + ... of the work is repeated

async function readHeader(
  file: FileHandle,
  fileSizeBytes: number,
  options: OpenGgufOptions,
): Promise<GgufHeader> {
  let windowBytes = firstWindowBytes;
  for (;;) {
    const window = await readBytes(file, 0, Math.min(windowBytes, fileSizeBytes), options.signal);
    // A file that shrank since it was measured counts as truncated, not as one that needs a larger window.
    const sizeBytes =
      window.byteLength < Math.min(windowBytes, fileSizeBytes) ? window.byteLength : fileSizeBytes;
    try {
      return parseGguf(window, sizeBytes, options);
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error;
      windowBytes = Math.max(windowBytes * windowGrowth, error.endOffset);
    }
  }
}

/**
 * Opens a GGUF file: reads and validates its header (metadata and tensor table), not the tensor data.
 *
 * @throws CheckpointError `IO` when it cannot be read, `GGUF_*` naming the field when it is malformed; the signal's
 *   reason when aborted
 */
export async function openGguf(path: string, options: OpenGgufOptions = {}): Promise<GgufFile> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    return { path, fileSizeBytes: size, ...(await readHeader(file, size, options)) };
  } catch (error) {
    if (CheckpointError.isInstance(error) || options.signal?.aborted) throw error;
    throw new CheckpointError('IO', `cannot read ${quoted(path)}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await file.close();
  }
}

/** Reads one tensor's bytes as they lie in the file. For tests and tools; engines map the file instead. */
export async function readTensorBytes(
  gguf: GgufFile,
  tensor: GgufTensor,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Uint8Array> {
  const file = await openFile(gguf.path);
  try {
    const bytes = await readBytes(file, tensor.offset, tensor.sizeBytes, options.signal);
    if (bytes.byteLength < tensor.sizeBytes) {
      throw new CheckpointError(
        'GGUF_TRUNCATED',
        `${quoted(gguf.path)} ends inside tensor ${quoted(tensor.name)}`,
      );
    }
    return bytes;
  } finally {
    await file.close();
  }
}
