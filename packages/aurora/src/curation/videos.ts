import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AuroraError } from '../errors.js';

/** Endings that are taken for videos when a folder is searched; a file that is named itself may have any. */
export const videoEndings = [
  '.mp4',
  '.m4v',
  '.mov',
  '.webm',
  '.mkv',
  '.avi',
  '.mpg',
  '.mpeg',
  '.ts',
  '.flv',
  '.ogv',
  '.3gp',
];

/**
 * Video files of a list of files and folders: folders are searched with all their sub-folders, in the order of names;
 * hidden ones and links to folders are left out.
 *
 * @throws AuroraError `DATA` for a name that does not exist and when nothing is found
 */
export async function findVideos(names: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const info = await stat(name).catch(() => undefined);
    if (info === undefined) throw new AuroraError('DATA', `${name} does not exist`);
    if (!info.isDirectory()) found.push(name);
    else await search(name, found, signal);
  }
  if (found.length === 0)
    throw new AuroraError('DATA', `no videos in ${names.join(', ')}: looked for ${videoEndings.join(', ')}`);
  return [...new Set(found)];
}

async function search(folder: string, found: string[], signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const to = path.join(folder, entry.name);
    if (entry.isDirectory()) await search(to, found, signal);
    else if (videoEndings.includes(path.extname(entry.name).toLowerCase())) found.push(to);
  }
}
