import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packPairs } from '@triptych/aurora';
import {
  assertNoLeak,
  benchmarkTasks,
  type DatasetOptions,
  joinParts,
  type Row,
  splitSeeds,
} from '@triptych/world';
import { testSet } from './benchmark.js';
import { EXAMPLES, isTraining, SEEDS_PER_SET, SETS, SIDE } from './settings.js';
import { cachePath, dataFolder } from './work-folder.js';

/** A part of a set, as a message to the process that makes it. */
export type PartOptions = Pick<
  DatasetOptions,
  'folder' | 'name' | 'rows' | 'seeds' | 'kinds' | 'size' | 'relational' | 'noise' | 'part'
>;

/** Rows of a part: a stopped run loses at most what its processes were at. */
const PART_ROWS = 400;

const rowsPath = (work: string, set: string): string => join(dataFolder(work), set, 'train.json');

/** Renders the sets that are not there yet, packs them for training, and makes sure that no scene is in two splits. */
export async function makeData(work: string, processes: number, signal: AbortSignal): Promise<void> {
  for (const name of Object.keys(SETS)) {
    if (existsSync(`${cachePath(work, name)}.json`)) continue;
    if (!existsSync(rowsPath(work, name))) await renderSet(work, name, processes, signal);
    const rows = JSON.parse(await readFile(rowsPath(work, name), 'utf8')) as Row[];
    const examples = await packPairs({
      folder: dataFolder(work),
      rows,
      cache: cachePath(work, name),
      side: SIDE,
      signal,
      ...(isTraining(name) && { examples: EXAMPLES }),
    });
    console.log(`${name}: ${rows.length} rows, ${examples} examples`);
  }
  await assertSplits(work, signal);
}

/** @throws WorldError `ARGUMENT` if a scene of a training set is in a validation set or in the benchmark. */
async function assertSplits(work: string, signal: AbortSignal): Promise<void> {
  const { folder } = await testSet(work, signal);
  const rowsOf = async (path: string): Promise<Row[]> => JSON.parse(await readFile(path, 'utf8')) as Row[];
  const held = await Promise.all([
    ...Object.keys(benchmarkTasks).map((task) => rowsOf(join(folder, task, 'test.json'))),
    ...Object.keys(SETS).flatMap((set) => (isTraining(set) ? [] : [rowsOf(rowsPath(work, set))])),
  ]);
  for (const set of Object.keys(SETS).filter(isTraining))
    assertNoLeak(await rowsOf(rowsPath(work, set)), held.flat());
}

async function renderSet(work: string, name: string, processes: number, signal: AbortSignal): Promise<void> {
  const parts = partsOf(work, name);
  const waiting = parts.filter(
    ({ part }) => !existsSync(join(dataFolder(work), name, `train.part-${part}.json`)),
  );
  const worker = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      await renderPart(part, signal);
      console.log(`${name}: part ${part.part}, ${waiting.length} wait`);
    }
  };
  await Promise.all(Array.from({ length: processes }, worker));
  await joinParts(dataFolder(work), name, parts.length);
}

function partsOf(work: string, name: string): PartOptions[] {
  const set = SETS[name];
  if (set === undefined) throw new Error(`there is no set "${name}"`);
  const { rows, firstSeed, kinds, relational, noise } = set;
  const count = Math.ceil(rows / PART_ROWS);
  return splitSeeds([firstSeed, firstSeed + SEEDS_PER_SET], count).map((seeds, part) => ({
    folder: dataFolder(work),
    name,
    part,
    seeds,
    rows: Math.min(PART_ROWS, rows - part * PART_ROWS),
    kinds,
    size: SIDE,
    ...(relational !== undefined && { relational }),
    ...(noise !== undefined && { noise }),
  }));
}

function renderPart(part: PartOptions, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./data-worker.js', import.meta.url)), [], { signal });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${part.name}: the process ended with ${code}`)),
    );
    child.send(part);
  });
}
