import { createReadStream, existsSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type BenchItem,
  copyEdit,
  type DiscDistances,
  discDistances,
  EditJudge,
  type Editor,
  type EditorSettings,
  type EditScores,
  noiseSeed,
  randomEdit,
} from '@triptych/aurora';
import { type Raster, readImage, writeImage } from '@triptych/media';

/** Noise seeds per DiscEdit question; the first also makes the output that is judged. */
export const NOISE_SEEDS = 4;

/** What was measured of one model on one item. */
export interface JudgedRecord {
  readonly item: string;
  readonly task: string;
  readonly kind: string;
  /** A model's name, `copy` or `random`. */
  readonly model: string;
  readonly scores: EditScores;
  /** Distances by noise seed, for items with a DiscEdit question. */
  readonly disc?: readonly DiscDistances[];
}

/** A model, and how it is run. */
export interface Candidate {
  readonly name: string;
  readonly editor: Editor;
  readonly settings: EditorSettings;
}

export interface JudgeOptions {
  readonly items: readonly BenchItem[];
  readonly candidates: readonly Candidate[];
  /** JSONL; what is in it already is not done again. */
  readonly out: string;
  /** Items whose DiscEdit question is asked too. */
  readonly isAsked: (item: BenchItem) => boolean;
  /** Folder for the outputs of an item, or undefined where none are kept. */
  readonly pictures?: (item: BenchItem) => string | undefined;
  /** Judge copy and random edits as well; default true. */
  readonly withBaselines?: boolean;
  readonly onItem?: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Judges all candidates, copy and random edits item by item, so that an item's judge is made once. */
export async function judgeItems(options: JudgeOptions): Promise<void> {
  const { items, candidates, out, signal, onItem } = options;
  await mkdir(dirname(out), { recursive: true });
  const known = new Set((await readJudged(out)).map(({ item, model }) => `${model} ${item}`));
  for (const [index, item] of items.entries()) {
    signal.throwIfAborted();
    const baselines = options.withBaselines === false ? [] : ['copy', 'random'];
    const waiting = [...candidates, ...baselines].filter(
      (one) => !known.has(`${typeof one === 'string' ? one : one.name} ${item.key}`),
    );
    if (waiting.length > 0) await judgeItem(item, waiting, options);
    onItem?.(index + 1, items.length);
  }
}

async function judgeItem(
  item: BenchItem,
  waiting: readonly (Candidate | string)[],
  { out, isAsked, pictures, signal }: JudgeOptions,
): Promise<void> {
  const { edit, disc } = item;
  if (edit?.target === undefined || edit.truth === undefined) throw new Error(`${item.key} has no truth`);
  const source = await rasterOf(item.source);
  const judge = new EditJudge({ source, target: await rasterOf(edit.target), ...edit.truth });
  const question = isAsked(item) ? disc : undefined;
  for (const one of waiting) {
    const run = editOf(one, source, signal);
    const output = await run(edit.instruction, noiseSeed(0, item.key, 0));
    const distances: DiscDistances[] = [];
    for (let index = 0; question !== undefined && index < NOISE_SEEDS; index++) {
      const seed = noiseSeed(0, item.key, index);
      const change = index === 0 ? output : await run(question.change, seed);
      const noChange = await run(question.noChange, seed);
      distances.push(await discDistances(pixelSpace, { source, noChange, change }));
    }
    const name = typeof one === 'string' ? one : one.name;
    const folder = pictures?.(item);
    if (folder !== undefined) await writeImage(join(folder, `${name}.png`), output);
    const record: JudgedRecord = {
      item: item.key,
      task: item.task,
      kind: edit.truth.kind,
      model: name,
      scores: judge.score(output),
      ...(distances.length > 0 && { disc: distances }),
    };
    await appendFile(out, `${JSON.stringify(record)}\n`);
  }
}

/** All models here denoise blocked pixels, whose distances are those of pixels from -1 to 1. */
const pixelSpace: Pick<Editor, 'encode'> = {
  encode: async ({ data }) => Float32Array.from(data, (value) => value / 127.5 - 1),
};

function editOf(
  one: Candidate | string,
  image: Raster,
  signal: AbortSignal,
): (instruction: string, seed: number) => Promise<Raster> {
  if (typeof one === 'string') {
    const edit = one === 'copy' ? copyEdit : randomEdit;
    return async (instruction, seed) => edit({ image, instruction, seed });
  }
  const { editor, settings } = one;
  return (instruction, seed) =>
    editor.run({ image, instruction, negative: '', seed, ...settings }, { signal });
}

async function rasterOf(path: string): Promise<Raster> {
  const { width, height, channels, data } = await readImage(path);
  return { width, height, channels, data };
}

/** Records of a file; half a line at its end, left by a killed run, is passed over. */
export async function readJudged(path: string): Promise<JudgedRecord[]> {
  if (!existsSync(path)) return [];
  const records: JudgedRecord[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.endsWith('}')) records.push(JSON.parse(line) as JudgedRecord);
  }
  return records;
}
