import path from 'node:path';
import { writeFileAtomically } from '@triptych/media';
import { WorldError } from '../errors.js';
import { makePair, type PairOptions } from '../pairs.js';
import { random } from '../random.js';
import type { Scene } from '../scene.js';
import { type CaptionFormat, type Grain, writeFilm } from './film.js';
import { clipFramesPerSecond, clipKinds, type MotionOptions, motionOf } from './motion.js';

/** One clip: an action between the two pictures of a pair. Paths are relative to the data folder. */
export interface ClipRow {
  readonly clip: string;
  readonly caption: string;
  readonly kind: string;
  readonly seed: number;
  readonly frames: number;
  readonly fps: number;
  /** Last time before the action and first time after it, seconds. */
  readonly changeFrom: number;
  readonly changeTo: number;
  /** What the first and the last frame show. */
  readonly state0: Scene;
  readonly state1: Scene;
}

/** What clips to write. */
export interface ClipOptions extends Omit<PairOptions, 'kinds' | 'noise'>, MotionOptions {
  /** Default: all of `clipKinds`, in turn. */
  readonly kinds?: PairOptions['kinds'];
  /** Data folder; clips go to `<folder>/<name>/`. */
  readonly folder: string;
  readonly name: string;
  readonly clips: number;
  readonly seeds: readonly [number, number];
  readonly captions?: CaptionFormat;
  readonly grain?: Grain;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { name: string; done: number; total: number }) => void;
}

/**
 * Writes short action clips (mp4, 12 frames a second) whose first and last frames are a checked pair, their captions
 * beside them, and `clips.json`. `size` is in pixels, default 128.
 *
 * @throws WorldError `ARGUMENT` for kinds that are no motion or too few seeds; MediaError; the signal's reason
 */
export async function writeClips(options: ClipOptions): Promise<readonly ClipRow[]> {
  const { folder, name, clips, seeds, kinds = clipKinds, size = 128, captions, grain } = options;
  const { signal, onProgress } = options;
  const rows: ClipRow[] = [];
  for (let seed = seeds[0]; rows.length < clips; seed++) {
    if (seed >= seeds[1])
      throw new WorldError(
        'ARGUMENT',
        `seeds ${seeds.join('..')} give only ${rows.length} clips: widen seeds`,
      );
    signal?.throwIfAborted();
    const index = rows.length % kinds.length;
    const pair = await makePair(seed, { ...options, size, kinds: kinds.slice(index, index + 1) }, {}, signal);
    if (!pair) continue;
    const { edit } = pair;
    const { scenes, from, to } = motionOf(edit, options);
    const clip = `${name}/${seed}_${edit.kind}.mp4`;
    await writeFilm(path.join(folder, clip), scenes, {
      caption: edit.instruction,
      ...(captions ? { captions } : {}),
      size,
      ...(grain ? { grain } : {}),
      r: random(seed, 5),
      ...(signal ? { signal } : {}),
    });
    rows.push({
      clip,
      caption: edit.instruction,
      kind: edit.kind,
      seed,
      frames: scenes.length,
      fps: clipFramesPerSecond,
      changeFrom: from / clipFramesPerSecond,
      changeTo: to / clipFramesPerSecond,
      state0: edit.before,
      state1: edit.after,
    });
    onProgress?.({ name, done: rows.length, total: clips });
  }
  await writeFileAtomically(path.join(folder, name, 'clips.json'), `${JSON.stringify(rows)}\n`, signal);
  return rows;
}
