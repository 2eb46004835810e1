import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MediaError, reasonOf } from './errors.js';

/** Makes a rename durable; not every system lets a directory be synced, and the data itself already is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(dirname(path), 'r').catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close().catch(() => undefined);
}

/**
 * Writes a file so that its final name never holds a partial file: a temporary file beside it is filled, synced and
 * renamed; missing folders are made. On error or abort the old file, if any, is untouched.
 *
 * @throws MediaError `IO`; the signal's reason when aborted
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | string,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
    await syncDirectory(path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    throw new MediaError('IO', `cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`, { cause: error });
  }
}
