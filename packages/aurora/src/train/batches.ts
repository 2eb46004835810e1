import { readClipTokenizer } from '@triptych/checkpoints';
import { type BatchMaker, type Draw, Random, type TensorRecord } from '@triptych/graph';
import { alphasCumprod, conditioningDropout, type SchedulerConfig } from '@triptych/nets';
import { PIXEL_CHANNELS, spaceToDepth } from '../model/pixels.js';
import { mirrorInstruction, mirrorPicture } from './flip.js';
import { openPairCache, type PairCache } from './pair-cache.js';

/** What the loader's thread is told. Survives structured cloning. */
export interface BatchOptions {
  /** Path of each set's cache, without extension. */
  readonly caches: Readonly<Record<string, string>>;
  /** Folder with vocab.json and merges.txt. */
  readonly tokenizerFolder: string;
  readonly scheduler: SchedulerConfig;
  /** Probability of each of: text dropped, both dropped, picture dropped. */
  readonly dropoutRate: number;
  /** Weight of a pixel that the edit changes against one that it does not; the mean of each example is 1. */
  readonly changedWeight: number;
  /** Share of examples at the last timestep, pure noise; the others are at 1000 sqrt(U). */
  readonly pureNoiseShare: number;
}

/** Largest difference of a colour, 0..255, that is not a change. */
const UNCHANGED = 8;

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
export interface BatchSources extends Pick<BatchOptions, 'dropoutRate' | 'changedWeight' | 'pureNoiseShare'> {
  readonly caches: ReadonlyMap<string, PairCache>;
  /** Token ids of a text, always as many. */
  readonly encode: (text: string) => Int32Array;
  readonly alphas: Float32Array;
}

/**
 * Feeds of one step: `noisy`, `source`, `target`, `weight` [batch, 48, side / 4, side / 4], `timestep` [batch] and `ids`
 * [batch, tokens]. Mirroring, noise, timestep and dropout of an example follow from its draw's seed.
 */
export async function makeBatch(draws: readonly Draw[], sources: BatchSources): Promise<TensorRecord> {
  const side = sources.caches.values().next().value?.side ?? 0;
  const size = PIXEL_CHANNELS * (side / 4) * (side / 4);
  const planes = (): Float32Array => new Float32Array(draws.length * size);
  const feeds = { noisy: planes(), source: planes(), target: planes(), weight: planes() };
  const timestep = new Float32Array(draws.length);
  const ids: number[] = [];
  for (const [row, draw] of draws.entries()) {
    const random = new Random(draw.seed);
    const { before, after, instruction } = await exampleOf(draw, sources, random.uniform() < 0.5);
    const offset = row * size;
    spaceToDepth(before, side, side, feeds.source, offset);
    spaceToDepth(after, side, side, feeds.target, offset);
    weigh(feeds, offset, size, sources.changedWeight);
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

async function exampleOf(
  { set, index }: Draw,
  { caches }: BatchSources,
  isMirrored: boolean,
): Promise<{ before: Uint8Array; after: Uint8Array; instruction: string }> {
  const cache = caches.get(set);
  const example = cache?.examples[index];
  if (cache === undefined || example === undefined)
    throw new Error(`there is no example ${index} of "${set}"`);
  const before = await cache.picture(example.source);
  const after = await cache.picture(example.target);
  if (!isMirrored) return { before, after, instruction: example.instruction };
  return {
    before: mirrorPicture(before, cache.side),
    after: mirrorPicture(after, cache.side),
    instruction: mirrorInstruction(example.instruction),
  };
}

type Feeds = Readonly<Record<'noisy' | 'source' | 'target' | 'weight', Float32Array>>;

/**
 * A pixel counts as changed in all of its colours if it is in one. Each example weighs as much as any other: else those
 * that change the whole picture would count many times, and all others would learn to change a little of everything.
 */
function weigh({ source, target, weight }: Feeds, offset: number, size: number, changed: number): void {
  const plane = size / 3;
  let sum = 0;
  for (let i = 0; i < plane; i++) {
    let difference = 0;
    for (let colour = 0; colour < 3; colour++) {
      const k = offset + colour * plane + i;
      difference = Math.max(difference, Math.abs((source[k] as number) - (target[k] as number)));
    }
    const value = difference * 127.5 > UNCHANGED ? changed : 1;
    weight[offset + i] = value;
    sum += value;
  }
  for (let i = 0; i < plane; i++) {
    const value = ((weight[offset + i] as number) * plane) / sum;
    for (let colour = 0; colour < 3; colour++) weight[offset + colour * plane + i] = value;
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
