import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CheckpointError, quoted, reasonOf } from './errors.js';

/** Without it opening a named pipe waits for a writer, on a thread that not even the end of the process interrupts. */
const withoutWaiting = constants.O_NONBLOCK ?? 0; // not on Windows

/**
 * Opens a regular file for reading.
 *
 * @throws CheckpointError `IO` with the path and the reason; also for folders, pipes and devices
 */
export async function openFile(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | withoutWaiting);
    if ((await file.stat()).isFile()) return file;
  } catch (cause) {
    await file?.close();
    throw new CheckpointError('IO', `cannot open ${quoted(path)}: ${reasonOf(cause)}`, { cause });
  }
  await file.close();
  throw new CheckpointError('IO', `${quoted(path)} is not a file`);
}
