import type { Raster } from '@triptych/media';
import type { PairScores } from './candidate.js';
import { type Change, findChange } from './change.js';
import { cosineDistance, type ImageEmbedder, layoutOf } from './descriptor.js';
import { displacement, estimateMotion, pyramidOf } from './motion.js';
import { channelsOf, lumaOf, type Plane } from './plane.js';
import { qualityOf } from './quality.js';

/** A frame with all that comparisons need. */
export interface KeyFrame {
  readonly seconds: number;
  /** Which of the frames looked at it is: the steps between two key frames are those from one index to the other. */
  readonly index: number;
  readonly colours: readonly Plane[];
  readonly luma: readonly Plane[];
  readonly layout: Float32Array;
  readonly embedding: Float32Array | undefined;
  readonly sharpness: number;
  readonly isFlat: boolean;
}

/** Prepares a frame; only cheap embedders are asked here. */
export async function keyFrameOf(
  frame: Raster,
  at: { readonly seconds: number; readonly index: number },
  embedder: ImageEmbedder,
  signal?: AbortSignal,
): Promise<KeyFrame> {
  const luma = lumaOf(frame);
  return {
    ...at,
    ...qualityOf(luma),
    colours: channelsOf(frame),
    luma: pyramidOf(luma),
    layout: layoutOf(frame),
    embedding: embedder.isCheap ? await embedder.embed(frame, signal) : undefined,
  };
}

/** Scores of a pair that are known before the clip has ended. */
export type EarlyScores = Omit<PairScores, 'cut' | 'sharpness' | 'moving' | 'minimality' | 'distance'> &
  Partial<Pick<PairScores, 'distance'>>;

/** Measures a pair of frames. */
export function compareFrames(first: KeyFrame, last: KeyFrame): { scores: EarlyScores; change: Change } {
  const { width, height } = first.luma[0]!;
  const motion = estimateMotion(first.luma, last.luma);
  const change = findChange(first.colours, last.colours, motion);
  const scores = {
    cameraMotion: displacement(motion, width, height),
    changed: change.share,
    extent: change.extent,
    regions: change.regions,
    compactness: change.compactness,
    outside: change.outside,
    ...(first.embedding === undefined || last.embedding === undefined
      ? {}
      : { distance: cosineDistance(first.embedding, last.embedding) }),
  };
  return { scores, change };
}
