import { readClipTokenizer } from '@triptych/checkpoints';
import { type BatchMaker, type Draw, Random, type TensorRecord } from '@triptych/graph';
import { alphasCumprod, conditioningDropout, type SchedulerConfig } from '@triptych/nets';
import { MASK_CHANNELS, PATCH, PIXEL_CHANNELS, spaceToDepth } from '../model/pixels.js';
import { mirrorInstruction, mirrorPicture } from './flip.js';
import { openPairCache, type PairCache } from './pair-cache.js';
import { cutWindow, placeWindow, type Window } from './window.js';

/** What the loader's thread is told. Survives structured cloning. */
export interface BatchOptions {
  /** Path of each set's cache, without extension. */
  readonly caches: Readonly<Record<string, string>>;
  /** Folder with vocab.json and merges.txt. */
  readonly tokenizerFolder: string;
  readonly scheduler: SchedulerConfig;
  /** Probability of each of: text dropped, both dropped, picture dropped. */
  readonly dropoutRate: number;
  /** What is seen of each picture. */
  readonly window: Window;
  /** Weight of a pixel that the edit changes against one that it does not. */
  readonly changedWeight: number;
  /** Share of examples at the last timestep, pure noise; the others are at 1000 sqrt(U). */
  readonly pureNoiseShare: number;
}

/** Largest difference of a colour, 0..255, that is not a change. */
const UNCHANGED = 8;

/** An example whose change is a smaller share of its pixels than this counts less than others. */
const LEAST_SHARE = 0.01;

/** Entry for `BatchLoader`: opens caches and tokenizer in the loader's thread. */
export async function createBatchMaker(options: unknown): Promise<BatchMaker> {
  const settings = options as BatchOptions;
  const tokenizer = await readClipTokenizer(settings.tokenizerFolder);
  const caches = new Map<string, PairCache>();
  for (const [set, path] of Object.entries(settings.caches)) caches.set(set, await openPairCache(path));
  const alphas = alphasCumprod(settings.scheduler);
  return (draws) =>
    makeBatch(draws, { ...settings, caches, encode: (text) => tokenizer.encode(text), alphas });
}

/** What {@link makeBatch} works with. */
export interface BatchSources
  extends Pick<BatchOptions, 'dropoutRate' | 'window' | 'changedWeight' | 'pureNoiseShare'> {
  readonly caches: ReadonlyMap<string, PairCache>;
  /** Token ids of a text, always as many. */
  readonly encode: (text: string) => Int32Array;
  readonly alphas: Float32Array;
}

/**
 * Feeds of one step: `noisy`, `source`, `target` [batch, 48, height / 4, width / 4], `changed` (0 or 1) and `weight`
 * [batch, 16, height / 4, width / 4], `timestep` [batch] and `ids` [batch, tokens]. Mirroring, window, noise, timestep and dropout of an example follow from its draw's seed.
 */
export async function makeBatch(draws: readonly Draw[], sources: BatchSources): Promise<TensorRecord> {
  const { width, height } = sources.window;
  const positions = (width / PATCH) * (height / PATCH);
  const size = PIXEL_CHANNELS * positions;
  const planes = (channels: number): Float32Array => new Float32Array(draws.length * channels * positions);
  const feeds = {
    noisy: planes(PIXEL_CHANNELS),
    source: planes(PIXEL_CHANNELS),
    target: planes(PIXEL_CHANNELS),
    changed: planes(MASK_CHANNELS),
    weight: planes(MASK_CHANNELS),
  };
  const timestep = new Float32Array(draws.length);
  const ids: number[] = [];
  for (const [row, draw] of draws.entries()) {
    const random = new Random(draw.seed);
    const { before, after, instruction } = await exampleOf(draw, sources, random);
    const offset = row * size;
    spaceToDepth(before, height, width, feeds.source, offset);
    spaceToDepth(after, height, width, feeds.target, offset);
    weigh(feeds, row, size, sources.changedWeight);
    const dropped = conditioningDropout(random.uniform(), sources.dropoutRate);
    // More of the high noise, where it is decided what to change.
    const isPure = random.uniform() < sources.pureNoiseShare;
    const level = Math.sqrt(random.uniform());
    const step = isPure ? sources.alphas.length - 1 : Math.floor(sources.alphas.length * level);
    timestep[row] = step;
    addNoise(feeds, offset, size, sources.alphas[step] ?? 0, random);
    if (dropped.image) feeds.source.fill(0, offset, offset + size);
    ids.push(...sources.encode(dropped.text ? '' : instruction));
  }
  return { ...feeds, timestep, ids: Int32Array.from(ids) };
}

interface Example {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly instruction: string;
}

async function exampleOf(
  { set, index }: Draw,
  { caches, window }: BatchSources,
  random: Random,
): Promise<Example> {
  const cache = caches.get(set);
  const example = cache?.examples[index];
  if (cache === undefined || example === undefined)
    throw new Error(`there is no example ${index} of "${set}"`);
  const { side } = cache;
  const isMirrored = random.uniform() < 0.5;
  const show = (picture: Uint8Array): Uint8Array => (isMirrored ? mirrorPicture(picture, side) : picture);
  const before = show(await cache.picture(example.source));
  const after = show(await cache.picture(example.target));
  const corner = placeWindow(before, after, side, window, UNCHANGED, random);
  return {
    before: cutWindow(before, side, window, corner),
    after: cutWindow(after, side, window, corner),
    instruction: isMirrored ? mirrorInstruction(example.instruction) : example.instruction,
  };
}

type Feeds = Readonly<Record<'noisy' | 'source' | 'target' | 'changed' | 'weight', Float32Array>>;

/**
 * A pixel counts as changed in all of its colours if it is in one. What changes weighs as much in each example as in any
 * other: else those that change the whole picture would count many times. What does not change weighs less, but not so
 * little that changing all objects a bit would be a good answer to "which one".
 */
function weigh({ source, target, changed, weight }: Feeds, row: number, size: number, factor: number): void {
  const plane = size / 3;
  let count = 0;
  for (let i = 0; i < plane; i++) {
    let difference = 0;
    for (let colour = 0; colour < 3; colour++) {
      const k = row * size + colour * plane + i;
      difference = Math.max(difference, Math.abs((source[k] as number) - (target[k] as number)));
    }
    const isChanged = difference * 127.5 > UNCHANGED;
    changed[row * plane + i] = isChanged ? 1 : 0;
    if (isChanged) count++;
  }
  const unit = 1 / Math.max(LEAST_SHARE, count / plane);
  for (let i = row * plane; i < (row + 1) * plane; i++) {
    weight[i] = changed[i] === 1 ? unit : unit / factor;
  }
}

function addNoise(
  { target, noisy }: Feeds,
  offset: number,
  size: number,
  alpha: number,
  random: Random,
): void {
  // sqrt(alpha) times the noisy picture sqrt(alpha) x + sqrt(1 - alpha) e: see noisyScale.
  const [signal, deviation] = [alpha, Math.sqrt(alpha * (1 - alpha))];
  // Both numbers of Box and Muller: half the time of one at a time. The size is even.
  for (let k = offset; k < offset + size; k += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    noisy[k] = signal * (target[k] as number) + radius * Math.cos(angle);
    noisy[k + 1] = signal * (target[k + 1] as number) + radius * Math.sin(angle);
  }
}
