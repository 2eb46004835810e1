import { decodeFrames, probeVideo, type VideoFrame } from '@triptych/media';
import type { PairScores, RejectedPair, RejectionReason } from './candidate.js';
import { cosineDistance, type ImageEmbedder } from './descriptor.js';
import { compareFrames, type EarlyScores, type KeyFrame, keyFrameOf } from './key-frame.js';
import { type CurationLimits, minimalityOf, reasonsOf } from './limits.js';
import { isSamePair, type PairSignature, signatureOf } from './signature.js';
import { activityOf, cutScores, stepChange, type Thumbnail, thumbnailOf } from './step.js';

/** Which pairs of a clip are looked at. */
export interface PairSampling {
  /** `ends`: first and last frame only. `spaced`: pairs at the spacings. `both`. */
  readonly pairs: 'ends' | 'spaced' | 'both';
  /** Seconds between the first frames of spaced pairs. */
  readonly every: number;
  /** Seconds between the two frames of a spaced pair. */
  readonly spacings: readonly number[];
}

/** How a clip is examined. */
export interface ExamineOptions {
  readonly sampling: PairSampling;
  readonly limits: CurationLimits;
  readonly embedder: ImageEmbedder;
  /** Most pairs that are kept. */
  readonly keep: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly seconds: number; readonly total: number | undefined }) => void;
}

/** A pair that passed the filters of its clip. */
export interface FoundPair {
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  readonly scores: PairScores;
  readonly signature: PairSignature;
}

/** What a clip gave. */
export interface Examined {
  /** Best first. */
  readonly found: readonly FoundPair[];
  readonly rejected: readonly Omit<RejectedPair, 'clip'>[];
  readonly pairs: number;
}

/** Longest side at which frames are compared, pixels: scores are shares of the frame and do not depend on it much. */
export const analysisSide = 160;
/** Steps per second that are looked at for cuts. */
const stepRate = 12;

type Brief = Pick<KeyFrame, 'seconds' | 'index' | 'sharpness' | 'isFlat'>;

interface Measured {
  readonly first: Brief;
  readonly last: Brief;
  readonly scores: EarlyScores;
  readonly signature: PairSignature;
}

/**
 * Looks for pairs in one clip, streaming: what is held is the frames of the longest spacing, and scores. The same file
 * and options give the same result.
 *
 * @throws MediaError as `decodeFrames`; the signal's reason when aborted
 */
export async function examineClip(path: string, options: ExamineOptions): Promise<Examined> {
  const { measured, steps, activity, sharpest } = await measureClip(path, options);
  const { limits, embedder } = options;
  const cuts = cutScores(steps);
  const passed: FoundPair[] = [];
  const rejected: Omit<RejectedPair, 'clip'>[] = [];
  for (const { first, last, scores, signature } of measured) {
    const moving = Math.max(activityAt(activity, first.index), activityAt(activity, last.index));
    const all = {
      ...scores,
      cut: Math.max(0, ...cuts.slice(first.index, last.index)),
      sharpness: sharpest === 0 ? 0 : Math.min(1, Math.min(first.sharpness, last.sharpness) / sharpest),
      moving,
      minimality: minimalityOf({ ...scores, moving }),
    };
    const reasons = reasonsOf(all, limits, embedder.band);
    if ((first.isFlat || last.isFlat) && !reasons.includes('quality')) reasons.push('quality');
    const times = { firstSeconds: first.seconds, lastSeconds: last.seconds };
    if (reasons.length > 0) rejected.push({ ...times, reasons, scores: rounded(all) });
    else passed.push({ ...times, scores: rounded({ ...all, distance: all.distance ?? 0 }), signature });
  }
  passed.sort((a, b) => b.scores.minimality - a.scores.minimality || a.firstSeconds - b.firstSeconds);
  const found: FoundPair[] = [];
  for (const pair of passed) {
    const reject = (reason: RejectionReason, scores = pair.scores): void => {
      const { firstSeconds, lastSeconds } = pair;
      rejected.push({ firstSeconds, lastSeconds, reasons: [reason], scores });
    };
    if (found.some((kept) => isSamePair(kept.signature, pair.signature) || overlaps(kept, pair)))
      reject('duplicate');
    else if (found.length >= options.keep) reject('quota');
    else if (embedder.isCheap) found.push(pair);
    else {
      const scores = { ...pair.scores, distance: await distanceAtFullSize(path, pair, options) };
      const reasons = reasonsOf({ distance: scores.distance }, limits, embedder.band);
      if (reasons[0] === undefined) found.push({ ...pair, scores });
      else reject(reasons[0], scores);
    }
  }
  rejected.sort((a, b) => a.firstSeconds - b.firstSeconds || a.lastSeconds - b.lastSeconds);
  return { found, rejected, pairs: measured.length };
}

async function measureClip(
  path: string,
  { sampling, embedder, signal, onProgress }: ExamineOptions,
): Promise<{ measured: Measured[]; steps: number[]; activity: number[]; sharpest: number }> {
  const { fps, seconds: total } = await probeVideo(path, signal ? { signal } : {});
  const every = fps !== undefined && fps <= stepRate + 1 ? {} : { every: 1 / stepRate };
  const measured: Measured[] = [];
  const steps: number[] = [];
  const activity: number[] = [];
  const held: KeyFrame[] = [];
  let sharpest = 0;
  let start: KeyFrame | undefined;
  let previous: Thumbnail | undefined;
  let newest: VideoFrame | undefined;
  let index = -1;
  const longest = Math.max(0, ...sampling.spacings);
  const isSpaced = sampling.pairs !== 'ends';
  const compare = (first: KeyFrame, last: KeyFrame): void => {
    measured.push({
      first: briefOf(first),
      last: briefOf(last),
      scores: compareFrames(first, last).scores,
      signature: signatureOf(first, last),
    });
  };
  const prepare = async (frame: VideoFrame): Promise<KeyFrame> => {
    const key = await keyFrameOf(frame, { seconds: frame.seconds, index }, embedder, signal);
    sharpest = Math.max(sharpest, key.sharpness);
    return key;
  };
  const options = { ...every, maxSide: analysisSide, ...(signal ? { signal } : {}) };
  for await (const frame of decodeFrames(path, options)) {
    if (newest?.seconds === frame.seconds) continue; // slower than the steps: the same frame again
    newest = frame;
    index++;
    const thumbnail = thumbnailOf(frame);
    if (previous !== undefined) {
      steps.push(stepChange(previous, thumbnail));
      activity.push(activityOf(previous, thumbnail));
    }
    previous = thumbnail;
    const isDue =
      isSpaced && frame.seconds >= (held.at(-1)?.seconds ?? Number.NEGATIVE_INFINITY) + sampling.every - 1e-6;
    if (start !== undefined && !isDue) continue;
    const key = await prepare(frame);
    start ??= key;
    if (!isSpaced) continue;
    while (held[0] !== undefined && held[0].seconds < key.seconds - longest - sampling.every) held.shift();
    for (const spacing of sampling.spacings) {
      const first = nearest(held, key.seconds - spacing);
      if (first !== undefined && Math.abs(key.seconds - spacing - first.seconds) <= sampling.every / 2)
        compare(first, key);
    }
    held.push(key);
    onProgress?.({ seconds: frame.seconds, total });
  }
  if (
    start !== undefined &&
    newest !== undefined &&
    sampling.pairs !== 'spaced' &&
    newest.seconds > start.seconds
  ) {
    const last = held.at(-1)?.seconds === newest.seconds ? held.at(-1)! : await prepare(newest);
    const isNew = measured.every(
      ({ first, last: l }) => first.seconds !== start.seconds || l.seconds !== last.seconds,
    );
    if (isNew) compare(start, last);
  }
  onProgress?.({ seconds: newest?.seconds ?? 0, total });
  return { measured, steps, activity, sharpest };
}

/** How much moves just before or after a frame, whichever is less: the first or last moment of a rest is a rest. */
function activityAt(activity: readonly number[], index: number): number {
  return Math.min(activity[index - 1] ?? 0, activity[index] ?? 0);
}

/** Without its pixels: those of a long clip would fill the memory. */
function briefOf({ seconds, index, sharpness, isFlat }: KeyFrame): Brief {
  return { seconds, index, sharpness, isFlat };
}

function nearest(frames: readonly KeyFrame[], seconds: number): KeyFrame | undefined {
  let best: KeyFrame | undefined;
  for (const frame of frames)
    if (best === undefined || Math.abs(frame.seconds - seconds) < Math.abs(best.seconds - seconds))
      best = frame;
  return best;
}

/** True when the shorter of two pairs lies for more than half within the other: both show the same action. */
function overlaps(a: FoundPair, b: FoundPair): boolean {
  const common = Math.min(a.lastSeconds, b.lastSeconds) - Math.max(a.firstSeconds, b.firstSeconds);
  return common > 0.5 * Math.min(a.lastSeconds - a.firstSeconds, b.lastSeconds - b.firstSeconds);
}

async function distanceAtFullSize(
  path: string,
  { firstSeconds, lastSeconds }: FoundPair,
  { embedder, signal }: ExamineOptions,
): Promise<number> {
  const vectors: Float32Array[] = [];
  const options = { timestamps: [firstSeconds, lastSeconds], maxSide: 512, ...(signal ? { signal } : {}) };
  for await (const frame of decodeFrames(path, options)) vectors.push(await embedder.embed(frame, signal));
  const [first, last] = vectors;
  return first === undefined || last === undefined ? 0 : cosineDistance(first, last);
}

/** Scores are kept with five digits: more is noise, and files stay small. */
function rounded<T extends Partial<PairScores>>(scores: T): T {
  return Object.fromEntries(
    Object.entries(scores).map(([name, value]) => [name, Number(Number(value).toPrecision(5))]),
  ) as T;
}
