import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodeImage, encodeImage, MediaError } from '@triptych/media';
import { PeopleError } from './errors.js';

/** Largest picture file that is shown, bytes. */
const maxBytes = 32 << 20;

/** SHA-256 of a file, hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The bytes of a picture file.
 * @throws PeopleError `bad-image` naming the file
 */
export async function readPicture(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    return await readFile(path, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new PeopleError('bad-image', `${path} ${missing ? 'is missing' : 'cannot be read'}`, {
      cause: error,
    });
  }
}

/**
 * A picture as it is shown: PNG of the pixels alone. Text chunks and file formats, which could name the model, are
 * gone. The names of image files must be kept away from addresses for the same reason.
 *
 * @param digest what `digestOf` the file must be, if given
 * @throws PeopleError `bad-image` when it is missing, no image, or another one than before
 */
export async function plainPicture(path: string, digest?: string, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = await readPicture(path, signal);
  if (digest !== undefined && digestOf(bytes) !== digest)
    throw new PeopleError('bad-image', `${path} is not the picture that the study began with: put that back`);
  try {
    const options = signal ? { signal } : {};
    return await encodeImage(await decodeImage(bytes, { maxBytes, ...options }), options);
  } catch (error) {
    if (!MediaError.isInstance(error)) throw error;
    throw new PeopleError('bad-image', `${path}: ${error.message}`, { cause: error });
  }
}
