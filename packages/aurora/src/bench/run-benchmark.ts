import path from 'node:path';
import { MediaError, type Raster, readImage, resizeImage, writeImage } from '@triptych/media';
import type { ClipVision } from '../curation/clip-vision.js';
import { cosineDistance } from '../curation/descriptor.js';
import type { Editor, EditorSettings } from '../editor.js';
import { AuroraError } from '../errors.js';
import { EditJudge, referenceScores } from '../metrics/edit-judge.js';
import { type BaselineEdit, copyEdit, randomEdit } from './baselines.js';
import { type DiscDistances, discDistances } from './disc-edit.js';
import type { BenchItem, BenchSet } from './items.js';
import { noiseSeed } from './noise-seed.js';
import {
  type BenchRecord,
  digestOf,
  RunFolder,
  type RunSettings,
  recordKey,
  type Scores,
} from './records.js';

/** How to run a benchmark. */
export interface BenchOptions {
  /** Result folder: settings, records, pictures. One that a run with the same settings left is continued. */
  readonly out: string;
  /** Noise seeds for each item; default 4. */
  readonly seeds?: number;
  /** Base of all noise seeds; default 0. */
  readonly seed?: number;
  /** Also run the instructions that already hold; default true. */
  readonly discEdit?: boolean;
  /** What differs from the model's defaults. */
  readonly settings?: Partial<EditorSettings>;
  /** Pictures are squashed to this square, as AURORA does; default the side the model was trained at. */
  readonly side?: number;
  /** Adds CLIP-I where there is a target. Stays the caller's. */
  readonly clipVision?: ClipVision;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BenchProgress) => void;
}

/** One item is done with one seed. */
export interface BenchProgress {
  readonly task: string;
  readonly item: string;
  readonly done: number;
  readonly total: number;
}

/** A finished run: what the report is made of. */
export interface BenchRun {
  readonly settings: RunSettings;
  readonly set: BenchSet;
  readonly folder: string;
  readonly records: readonly BenchRecord[];
}

interface Prepared {
  readonly item: BenchItem;
  readonly source: Raster;
  readonly score: (output: Raster) => Promise<Scores | undefined>;
}

/** An item's pictures at the size the model works at, and its judge. */
async function prepare(
  item: BenchItem,
  { side, clipVision, signal }: Pick<BenchOptions, 'clipVision' | 'signal'> & { readonly side: number },
): Promise<Prepared> {
  const options = signal ? { signal } : {};
  const read = async (field: string, file: string): Promise<Raster> => {
    try {
      const { width, height, channels, data } = await readImage(file, options);
      const raster: Raster = { width, height, channels, data };
      return width === side && height === side
        ? raster
        : await resizeImage(raster, { width: side, height: side, ...options });
    } catch (error) {
      if (!MediaError.isInstance(error)) throw error;
      throw new AuroraError('DATA', `${item.key}: ${field} ${file}: ${error.message}`, { cause: error });
    }
  };
  const source = await read('input', item.source);
  const { target: targetFile, truth } = item.edit ?? {};
  if (targetFile === undefined) return { item, source, score: async () => (item.edit ? {} : undefined) };
  const target = await read('output', targetFile);
  const judge = truth && new EditJudge({ source, target, ...truth });
  const wanted = await clipVision?.embed(target, signal);
  const score = async (output: Raster): Promise<Scores> => {
    const scores = judge?.score(output) ?? referenceScores(target, output);
    if (clipVision === undefined || wanted === undefined) return scores;
    return { ...scores, clipI: 1 - cosineDistance(wanted, await clipVision.embed(output, signal)) };
  };
  return { item, source, score };
}

const fileOf = (item: BenchItem, what: string, index: number): string =>
  path.join('images', `${item.key.replace(/[^\w.-]+/g, '_')}_${what}_${index}.png`);

/**
 * Runs a model over a benchmark, with the copying and the random baseline beside it. Every finished output is on disk
 * before the next begins, so a stopped run goes on where it was. Both outputs of a DiscEdit question start from the same
 * noise; each item has noise of its own.
 *
 * @throws AuroraError `ARGUMENT` naming the option or the setting in which the folder differs, `DATA` naming file and
 *   row; what the model throws; the signal's reason
 */
export async function runBenchmark(editor: Editor, set: BenchSet, options: BenchOptions): Promise<BenchRun> {
  const { out, seeds = 4, seed = 0, discEdit = true, side = editor.nativeSide } = options;
  const { clipVision, signal, onProgress } = options;
  for (const [name, value, low] of [
    ['seeds', seeds, 1],
    ['seed', seed, 0],
    ['side', side, 8],
  ] as const)
    if (!Number.isInteger(value) || value < low)
      throw new AuroraError('ARGUMENT', `${name} must be a whole number from ${low}, not ${value}`);
  if (side % editor.sideMultiple !== 0)
    throw new AuroraError(
      'ARGUMENT',
      `side must be a multiple of ${editor.sideMultiple} for ${editor.name}, not ${side}`,
    );
  signal?.throwIfAborted();
  const settings: RunSettings = {
    format: 1,
    model: editor.name,
    hash: editor.hash,
    layout: set.layout,
    items: digestOf(set),
    numItems: set.items.length,
    seeds,
    seed,
    side,
    discEdit,
    ...(clipVision && { clipVision: clipVision.version }),
    ...editor.defaults,
    ...options.settings,
  };
  const folder = await RunFolder.open(out, settings);
  const items = set.items.filter(({ edit }) => discEdit || edit);
  const total = items.length * seeds;
  let done = 0;
  const runner = new ItemRunner(editor, settings, folder, signal);
  for (const item of items) {
    let prepared: Prepared | undefined;
    for (let index = 0; index < seeds; index++) {
      signal?.throwIfAborted();
      if (!runner.isDone(item, index)) {
        prepared ??= await prepare(item, { ...options, side });
        await runner.run(prepared, index);
      }
      done++;
      onProgress?.({ task: item.task, item: item.key, done, total });
    }
  }
  // In the order of the set, whatever order an interrupted run wrote them in.
  const order = new Map(items.map(({ key }, i) => [key, i]));
  const records = [...folder.records.values()].sort(
    (a, b) => order.get(a.item)! - order.get(b.item)! || a.index - b.index || a.arm.localeCompare(b.arm),
  );
  return { settings, set, folder: folder.folder, records };
}

/** Runs single items with one noise seed. */
class ItemRunner {
  readonly #editor: Editor;
  readonly #settings: RunSettings;
  readonly #folder: RunFolder;
  readonly #signal: AbortSignal | undefined;

  constructor(editor: Editor, settings: RunSettings, folder: RunFolder, signal: AbortSignal | undefined) {
    this.#editor = editor;
    this.#settings = settings;
    this.#folder = folder;
    this.#signal = signal;
  }

  isDone(item: BenchItem, index: number): boolean {
    const arms = index === 0 ? (['model', 'copy', 'random'] as const) : (['model'] as const);
    return arms.every((arm) => this.#folder.records.has(recordKey({ item: item.key, arm, index })));
  }

  async run(prepared: Prepared, index: number): Promise<void> {
    const { item } = prepared;
    const seed = noiseSeed(this.#settings.seed, item.key, index);
    const has = (arm: BenchRecord['arm']): boolean =>
      this.#folder.records.has(recordKey({ item: item.key, arm, index }));
    // Copying is the same with every seed, and of the random one nobody needs to know more.
    if (index === 0 && !has('copy')) await this.#baseline(prepared, 'copy', copyEdit, seed);
    if (index === 0 && !has('random')) await this.#baseline(prepared, 'random', randomEdit, seed);
    if (!has('model')) await this.#model(prepared, index, seed);
  }

  async #model(prepared: Prepared, index: number, seed: number): Promise<void> {
    const { item, source } = prepared;
    const edit = async (what: string, instruction: string): Promise<{ file: string; picture: Raster }> => {
      const { steps, sampler, textGuidance, imageGuidance } = this.#settings;
      const picture = await this.#editor.run(
        { image: source, instruction, negative: '', seed, steps, sampler, textGuidance, imageGuidance },
        this.#signal ? { signal: this.#signal } : {},
      );
      const file = fileOf(item, what, index);
      await writeImage(path.join(this.#folder.folder, file), picture);
      return { file, picture };
    };
    const output = item.edit && (await edit('edit', item.edit.instruction));
    let disc: DiscDistances | undefined;
    let shown = output;
    if (item.disc && this.#settings.discEdit) {
      const isSame = item.disc.change === item.edit?.instruction;
      const change = isSame && output ? output : await edit('change', item.disc.change);
      const noChange = await edit('nochange', item.disc.noChange);
      disc = await discDistances(
        this.#editor,
        { source, noChange: noChange.picture, change: change.picture },
        this.#signal,
      );
      shown ??= change;
    }
    const scores = output && (await prepared.score(output.picture));
    await this.#folder.add({
      item: item.key,
      task: item.task,
      arm: 'model',
      index,
      seed,
      ...(shown ? { output: shown.file } : {}),
      ...(scores ? { scores } : {}),
      ...(disc ? { disc } : {}),
    });
  }

  async #baseline(
    prepared: Prepared,
    arm: 'copy' | 'random',
    edit: BaselineEdit,
    seed: number,
  ): Promise<void> {
    const { item, source } = prepared;
    const on = (instruction: string): Raster => edit({ image: source, instruction, seed });
    const scores = item.edit && (await prepared.score(on(item.edit.instruction)));
    const disc =
      item.disc && this.#settings.discEdit
        ? await discDistances(
            this.#editor,
            { source, noChange: on(item.disc.noChange), change: on(item.disc.change) },
            this.#signal,
          )
        : undefined;
    await this.#folder.add({
      item: item.key,
      task: item.task,
      arm,
      index: 0,
      seed,
      ...(scores ? { scores } : {}),
      ...(disc ? { disc } : {}),
    });
  }
}
