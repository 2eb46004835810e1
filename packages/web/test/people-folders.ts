/**
 * @module
 * Results to rate and candidates to review, with pictures of the toy world, as the benchmark and curation write them.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Candidate, candidatesFileName, type StudyItem } from '@triptych/aurora';
import { encodeImage, type Raster } from '@triptych/media';
import { type EditKind, makePair, type Pair } from '@triptych/world';

const kinds: readonly EditKind[] = ['move', 'recolour', 'remove', 'knock', 'relate', 'add'];

/** The first pairs of the world for each kind in turn. */
export async function worldPairs(count: number, size = 64): Promise<Pair[]> {
  const found: Pair[] = [];
  for (let seed = 11; found.length < count; seed++) {
    const pair = await makePair(seed, { kinds: [kinds[found.length % kinds.length]!], size });
    if (pair !== undefined) found.push(pair);
  }
  return found;
}

async function write(folder: string, name: string, raster: Raster): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, await encodeImage(raster));
  return path;
}

/** Two models: `model-copy` gives the source back, `model-best` always has it right. */
export async function writeStudy(folder: string, pairs: readonly Pair[]): Promise<StudyItem[]> {
  const items: StudyItem[] = [];
  for (const [index, { edit, first, last }] of pairs.entries()) {
    const task = index % 2 === 0 ? 'attribute' : 'physics';
    const source = await write(folder, `${index}-source.png`, first);
    for (const [model, raster] of [
      ['model-copy', first],
      ['model-best', last],
    ] as const) {
      const output = await write(folder, `${index}-${model}.png`, raster);
      items.push({ item: `${index}`, task, model, instruction: edit.instruction, source, output });
    }
  }
  return items;
}

/** Candidates of clips; the first has no instruction yet. */
export async function writePairs(folder: string, pairs: readonly Pair[]): Promise<void> {
  const candidates: Candidate[] = [];
  for (const [index, { edit, first, last }] of pairs.entries()) {
    const file = (suffix: string): string => `images/p${index}_${suffix}.png`;
    await write(folder, file('0'), first);
    await write(folder, file('1'), last);
    await write(folder, file('mask'), { ...last, channels: 1, data: last.mask });
    candidates.push({
      id: `p${index}`,
      input: file('0'),
      output: file('1'),
      mask: file('mask'),
      width: first.width,
      height: first.height,
      clip: `table-${index + 1}.mp4`,
      firstSeconds: 0.4,
      lastSeconds: 2.1,
      ...(index === 0 ? {} : { caption: edit.instruction, instruction: edit.instruction }),
      scores: {
        cut: 0,
        cameraMotion: 0,
        changed: 0.08,
        extent: 0.1,
        regions: 1,
        compactness: 0.7,
        outside: 1,
        distance: 0.2,
        sharpness: 1,
        moving: 0,
        minimality: 0.9,
      },
      remarks: ['one region changed'],
    });
  }
  const file = {
    format: 'triptych-candidates',
    version: 1,
    embedding: 'descriptor',
    clips: pairs.length,
    pairs: 40,
    rejected: {},
    failed: [],
    candidates,
  };
  await writeFile(join(folder, candidatesFileName), JSON.stringify(file));
}
