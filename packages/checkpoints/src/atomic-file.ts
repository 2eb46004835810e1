import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CheckpointError, quoted, reasonOf } from './errors.js';

/** The sink that `writeAtomically` hands to its callback: appends, in order. */
export interface FileSink {
  /** Bytes written so far. */
  readonly sizeBytes: number;
  write(bytes: Uint8Array): Promise<void>;
}

const sliceBytes = 8 << 20; // how much is written between two looks at the signal

class HandleSink implements FileSink {
  sizeBytes = 0;
  readonly #file: FileHandle;
  readonly #signal: AbortSignal | undefined;

  constructor(file: FileHandle, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      this.#signal?.throwIfAborted();
      const length = Math.min(sliceBytes, bytes.byteLength - at);
      const { bytesWritten } = await this.#file.write(bytes, at, length, this.sizeBytes);
      at += bytesWritten;
      this.sizeBytes += bytesWritten;
    }
  }
}

/** Makes a rename durable; not every system lets a directory be synced, and the data itself already is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r').catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

/**
 * Writes a file so that its final name never holds a partial file: a temporary file beside it is filled, synced and
 * renamed. On error or abort the temporary file is removed and the old file, if any, is untouched.
 *
 * @throws CheckpointError `IO`; the signal's reason when aborted; whatever `fill` throws
 */
export async function writeAtomically(
  path: string,
  fill: (sink: FileSink) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    signal?.throwIfAborted();
    const file = await open(temporary, 'wx');
    try {
      await fill(new HandleSink(file, signal));
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
    await syncDirectory(path);
  } catch (error) {
    await rm(temporary, { force: true });
    const isSystemError = error instanceof Error && 'syscall' in error;
    if (!isSystemError) throw error;
    throw new CheckpointError('IO', `cannot write ${quoted(path)}: ${reasonOf(error)}`, { cause: error });
  }
}
