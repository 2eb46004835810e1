import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeImage, writeFileAtomically } from '@triptych/media';
import type { Row } from '@triptych/world';
import { AuroraError } from '../errors.js';

/** One training example: a row read forwards or backwards. */
export interface CachedExample {
  readonly instruction: string;
  readonly kind: string;
  /** Which pictures of the cache: numbers of blocks of 3 * side * side bytes. */
  readonly source: number;
  readonly target: number;
}

/** What stands beside the decoded pictures. */
interface CacheIndex {
  readonly side: number;
  readonly examples: readonly CachedExample[];
}

/** Decoded pictures of a data set in one file, so that a loader reads an example with two reads and no decoding. */
export interface PairCache {
  readonly side: number;
  readonly examples: readonly CachedExample[];
  /** RGB bytes of a picture, rows from the top: [side, side, 3]. */
  picture(index: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What to pack. */
export interface PackOptions {
  /** Folder that the rows' paths are relative to. */
  readonly folder: string;
  readonly rows: readonly Row[];
  /** Path without extension: `.bin` and `.json` are written. */
  readonly cache: string;
  readonly side: number;
  /** Exactly so many examples; an error if the rows do not give them. Default: all. */
  readonly examples?: number;
  readonly signal?: AbortSignal;
}

/**
 * Decodes all pictures of a data set. Rows that name an inverse instruction give two examples.
 * @throws AuroraError `DATA` naming the row whose picture has another size, or if there are too few examples
 */
export async function packPairs(options: PackOptions): Promise<number> {
  const { folder, rows, cache, side, signal } = options;
  const forward: CachedExample[] = [];
  const backward: CachedExample[] = [];
  const unfinished = `${cache}.bin.${process.pid}.tmp`;
  await mkdir(dirname(cache), { recursive: true });
  const file = await open(unfinished, 'w');
  try {
    for (const [row, { input, output, instruction, inverse, kind }] of rows.entries()) {
      signal?.throwIfAborted();
      const [source, target] = [2 * row, 2 * row + 1];
      for (const path of [input, output]) {
        await file.write(await rgbOf(await readFile(join(folder, path)), path, side));
      }
      forward.push({ instruction, kind, source, target });
      if (inverse !== undefined)
        backward.push({ instruction: inverse, kind, source: target, target: source });
    }
    await file.close();
    await rename(unfinished, `${cache}.bin`);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(unfinished, { force: true });
    throw error;
  }
  const all = [...forward, ...backward];
  const wanted = options.examples ?? all.length;
  if (all.length < wanted) {
    throw new AuroraError(
      'DATA',
      `${rows.length} rows give ${all.length} examples, ${wanted} were asked for: generate more rows`,
    );
  }
  const index: CacheIndex = { side, examples: all.slice(0, wanted) };
  await writeFileAtomically(`${cache}.json`, Buffer.from(JSON.stringify(index)), signal);
  return wanted;
}

async function rgbOf(bytes: Uint8Array, path: string, side: number): Promise<Uint8Array> {
  const { width, height, channels, data } = await decodeImage(bytes);
  if (width !== side || height !== side || channels !== 3) {
    throw new AuroraError(
      'DATA',
      `"${path}" is ${width} x ${height} with ${channels} channels, expected RGB of ${side} x ${side}`,
    );
  }
  return data;
}

/** Opens what {@link packPairs} wrote. */
export async function openPairCache(cache: string): Promise<PairCache> {
  const { side, examples } = JSON.parse(await readFile(`${cache}.json`, 'utf8')) as CacheIndex;
  const file: FileHandle = await open(`${cache}.bin`, 'r');
  const bytes = 3 * side * side;
  return {
    side,
    examples,
    picture: async (index) => {
      const { buffer, bytesRead } = await file.read(new Uint8Array(bytes), 0, bytes, index * bytes);
      if (bytesRead !== bytes)
        throw new AuroraError('DATA', `"${cache}.bin" ends before picture ${index}: pack it again`);
      return buffer;
    },
    close: () => file.close(),
  };
}
