import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { encodeImage, writeFileAtomically } from '@triptych/media';
import { type About, datasheet } from './datasheet.js';
import { WorldError } from './errors.js';
import { type Checks, rounded } from './measures.js';
import type { NoiseKind } from './noise.js';
import { makePair, type Pair, type PairOptions, type RejectionLog } from './pairs.js';
import { type Scene, sceneHash } from './scene.js';
import { diagnosticKinds, type Wording } from './wording.js';

/** A row as AURORA has it, and the truth beside. Paths are relative to the data folder, as its loader expects. */
export interface Row {
  readonly instruction: string;
  readonly input: string;
  readonly output: string;
  readonly task: string;
  readonly kind: string;
  readonly seed: number;
  readonly state0: Scene;
  readonly state1: Scene;
  readonly mask: string;
  /** Whether the instruction is a training sentence or one held out. */
  readonly wording: Wording;
  readonly nochange?: string;
  readonly inverse?: string;
  /** What else changes, in sets made with `noise`. */
  readonly noise?: NoiseKind;
  /** What the checks measured, to four digits (with `noise`, before that was added); sets made earlier have none. */
  readonly checks?: Checks;
}

/** What to write. */
export interface DatasetOptions extends Omit<PairOptions, 'wording'> {
  /** `alternate`: training and held-out sentences in turn, row by row. Default 'training'. */
  readonly wording?: Wording | 'alternate';
  /** Data folder; the set goes to `<folder>/<name>/`. */
  readonly folder: string;
  readonly name: string;
  /** Rows wanted; each kind gets the same share (to one row). */
  readonly rows: number;
  /** First and one past the last seed: the split. Fixed before any edit is drawn. */
  readonly seeds: readonly [number, number];
  /** `train.json` or `test.json`; default 'train'. */
  readonly split?: 'train' | 'test';
  /**
   * Number of this part when several processes share the work: give each its own seeds (`splitSeeds`) and rows, then
   * `joinParts` makes one set of them.
   */
  readonly part?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { name: string; done: number; total: number }) => void;
}

/** Seed ranges of the splits; edits are drawn inside them, so no scene can be in two. */
export const splits = {
  train: [0, 1_000_000_000],
  validation: [1_000_000_000, 1_100_000_000],
  test: [1_100_000_000, 2_000_000_000],
} as const satisfies Record<string, readonly [number, number]>;

/**
 * Cuts a seed range into so many of equal length (the last takes the rest), one for each process.
 * @throws WorldError `ARGUMENT`
 */
export function splitSeeds(
  [from, to]: readonly [number, number],
  parts: number,
): (readonly [number, number])[] {
  if (!Number.isInteger(parts) || parts < 1 || parts > to - from)
    throw new WorldError('ARGUMENT', `parts must be a whole number from 1 to ${to - from}, not ${parts}`);
  const length = Math.floor((to - from) / parts);
  return Array.from({ length: parts }, (_, i) => [
    from + i * length,
    i === parts - 1 ? to : from + (i + 1) * length,
  ]);
}

/** 255 where the picture changes or a target stands before or after. */
function maskOf({ edit, first, last }: Pair): Uint8Array {
  const out = new Uint8Array(first.mask.length);
  const isTarget = (scene: Scene, index: number): boolean =>
    index > 0 && edit.targets.includes(scene.objects[index - 1]!.id);
  for (let i = 0; i < out.length; i++) {
    const changed = [0, 1, 2].some((c) => Math.abs(first.data[3 * i + c]! - last.data[3 * i + c]!) > 8);
    if (changed || isTarget(edit.before, first.mask[i]!) || isTarget(edit.after, last.mask[i]!)) out[i] = 255;
  }
  return out;
}

/**
 * Writes a set: images, masks, `<split>.json` and `datasheet.md`. The same options give the same bytes.
 * With `part`, `<split>.part-<n>.json` instead of both: see `joinParts`.
 * @throws WorldError `ARGUMENT` when the seed range ends before there are enough rows or a diagnostic kind is to be
 * trained on; MediaError `IO`; the signal's reason
 */
export async function writeDataset(options: DatasetOptions): Promise<readonly Row[]> {
  const {
    folder,
    name,
    seeds,
    signal,
    onProgress,
    part,
    split = 'train',
    wording = 'training',
    kinds,
  } = options;
  const measured = kinds.find((kind) => diagnosticKinds.some((one) => one === kind));
  if (split === 'train' && measured !== undefined)
    throw new WorldError('ARGUMENT', `kinds holds ${measured}, which is never trained on: use split test`);
  const log: RejectionLog = {};
  const rows: Row[] = [];
  for (let seed = seeds[0]; rows.length < options.rows; seed++) {
    if (seed >= seeds[1])
      throw new WorldError(
        'ARGUMENT',
        `seeds ${seeds.join('..')} give only ${rows.length} rows of ${name}: widen seeds`,
      );
    signal?.throwIfAborted();
    // Kinds in turn, so that each has its share however often it is rejected; wordings in turn within each kind.
    const index = rows.length % kinds.length;
    const turn = index + Math.floor(rows.length / kinds.length);
    const said = wording === 'alternate' ? (['training', 'test'] as const)[turn % 2]! : wording;
    const pair = await makePair(
      seed,
      { ...options, kinds: kinds.slice(index, index + 1), wording: said },
      log,
      signal,
    );
    if (!pair) continue;
    rows.push(await writePair(folder, name, seed, pair, signal));
    onProgress?.({ name, done: rows.length, total: options.rows });
  }
  const { size = 64, noise } = options;
  const about: About = { size, seeds, wording, log, ...(noise ? { noise } : {}) };
  const to = path.join(folder, name);
  if (part === undefined) await writeSet(to, name, split, rows, about, signal);
  else
    await writeFileAtomically(
      path.join(to, `${split}.part-${part}.json`),
      JSON.stringify({ about, rows }),
      signal,
    );
  return rows;
}

/** Writes the pictures of a pair and gives its row. */
async function writePair(
  folder: string,
  name: string,
  seed: number,
  pair: Pair,
  signal: AbortSignal | undefined,
): Promise<Row> {
  const { edit, first, last, wording, nochange, noise, checks } = pair;
  const file = (suffix: string): string => `${name}/images/${seed}_${suffix}.png`;
  const pictures = [
    [file('0'), first],
    [file('1'), last],
    [file('mask'), { ...first, channels: 1 as const, data: maskOf(pair) }],
  ] as const;
  await Promise.all(
    pictures.map(async ([to, raster]) =>
      writeFileAtomically(path.join(folder, to), await encodeImage(raster), signal),
    ),
  );
  return {
    instruction: edit.instruction,
    input: file('0'),
    output: file('1'),
    task: name,
    kind: edit.kind,
    seed,
    state0: edit.before,
    state1: edit.after,
    mask: file('mask'),
    wording,
    ...(nochange === undefined ? {} : { nochange }),
    ...(edit.inverse === undefined ? {} : { inverse: edit.inverse }),
    ...(noise === undefined ? {} : { noise }),
    checks: rounded(checks),
  };
}

async function writeSet(
  to: string,
  name: string,
  split: string,
  rows: readonly Row[],
  about: About,
  signal?: AbortSignal,
): Promise<void> {
  await writeFileAtomically(path.join(to, `${split}.json`), `${JSON.stringify(rows)}\n`, signal);
  await writeFileAtomically(path.join(to, 'datasheet.md'), datasheet(name, rows, about), signal);
}

/**
 * Makes one set of the parts 0 to `parts` - 1 that `writeDataset` wrote with `part`; the part files go.
 * @throws the file system's error when a part is missing
 */
export async function joinParts(
  folder: string,
  name: string,
  parts: number,
  split: 'train' | 'test' = 'train',
): Promise<readonly Row[]> {
  const to = path.join(folder, name);
  const files = Array.from({ length: parts }, (_, i) => path.join(to, `${split}.part-${i}.json`));
  const read = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as { about: About; rows: Row[] }),
  );
  const log: RejectionLog = {};
  for (const { about } of read)
    for (const [reason, count] of Object.entries(about.log) as [keyof RejectionLog, number][])
      log[reason] = (log[reason] ?? 0) + count;
  const seeds = [
    Math.min(...read.map(({ about }) => about.seeds[0])),
    Math.max(...read.map(({ about }) => about.seeds[1])),
  ] as const;
  const rows = read.flatMap((one) => one.rows);
  await writeSet(to, name, split, rows, { ...read[0]!.about, seeds, log });
  await Promise.all(files.map((file) => rm(file)));
  return rows;
}

/**
 * Asserts that no scene, before or after, of one set is in another.
 * @throws WorldError `ARGUMENT` naming two seeds
 */
export function assertNoLeak(a: readonly Row[], b: readonly Row[]): void {
  const seen = new Map(
    a.flatMap((row) => [row.state0, row.state1].map((s) => [sceneHash(s), row.seed] as const)),
  );
  for (const row of b)
    for (const state of [row.state0, row.state1]) {
      const seed = seen.get(sceneHash(state));
      if (seed !== undefined)
        throw new WorldError(
          'ARGUMENT',
          `seeds ${seed} and ${row.seed} share a scene: use disjoint seed ranges`,
        );
    }
}
