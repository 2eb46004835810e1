import path from 'node:path';
import { writeFileAtomically } from '@triptych/media';
import { WorldError } from '../errors.js';
import { makePair, type Pair } from '../pairs.js';
import { type Random, random } from '../random.js';
import { freePlace, sampleScene } from '../sample-scene.js';
import type { Scene } from '../scene.js';
import { cameraPaths, withCameraPath } from './camera-path.js';
import { type CaptionFormat, writeFilm } from './film.js';
import { clipFramesPerSecond, clipKinds, type Motion, motionOf } from './motion.js';

/** What curation should say of a clip: keep a pair of it, or why there is none. */
export const truthLabels = ['keep', 'camera', 'cut', 'nochange', 'toomuch'] as const;
export type TruthLabel = (typeof truthLabels)[number];

/** One clip of known truth; the path is relative to the folder. */
export interface TruthClip {
  readonly clip: string;
  readonly label: TruthLabel;
  /** What happens: the kind of edit, of camera path, of cut. */
  readonly detail: string;
  readonly caption: string;
  readonly seed: number;
  readonly frames: number;
  readonly fps: number;
  /** Last time before the change and first time after it, seconds; with `camera` the whole clip, with `nochange` 0, 0. */
  readonly changeFrom: number;
  readonly changeTo: number;
}

/** What to write. */
export interface TruthOptions {
  readonly folder: string;
  /** Clips of each label; default 10. */
  readonly clips?: number;
  /** Pixels, default 128. */
  readonly size?: number;
  /** First and one past the last seed. */
  readonly seeds: readonly [number, number];
  /** Side-cars as text, JSON, or in turn; default `both`. */
  readonly captions?: CaptionFormat | 'both';
  readonly labels?: readonly TruthLabel[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { label: TruthLabel; done: number; total: number }) => void;
}

/** A platform that is there in one frame and gone in the next is in no video: nothing to measure filters on. */
const truthKinds = clipKinds.filter((kind) => kind !== 'undermine');

interface Take extends Motion {
  readonly detail: string;
  readonly caption: string;
}

const still = (scene: Scene, frames: number): Scene[] => Array.from({ length: frames }, () => scene);

function keep({ edit }: Pair): Take {
  return { ...motionOf(edit), detail: edit.kind, caption: edit.instruction };
}

/** The camera moves all the time; in half of the clips the action happens as well. */
function camera(pair: Pair, index: number, r: Random): Take {
  const kind = cameraPaths[index % cameraPaths.length]!;
  const hasAction = Math.floor(index / cameraPaths.length) % 2 === 0;
  const scenes = hasAction ? motionOf(pair.edit).scenes : still(pair.edit.before, 30);
  return {
    scenes: withCameraPath(scenes, kind, r),
    from: 0,
    to: scenes.length - 1,
    detail: hasAction ? `${kind} and ${pair.edit.kind}` : kind,
    caption: pair.edit.instruction,
  };
}

/** Two still shots: of two scenes, or of one scene from two sides. */
function cut(pair: Pair, index: number, r: Random): Take {
  const { before, after } = pair.edit;
  const length = 14 + r.index(8);
  const isSameScene = index % 2 === 1;
  let second: Scene = after;
  if (isSameScene) {
    const [x, y, z] = before.camera.position;
    const angle = r.pick([-1, 1]) * r.between(0.5, 1.2);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const position = [c * x + s * z, y * r.between(0.85, 1.1), c * z - s * x] as const;
    second = { ...after, camera: { ...before.camera, position } };
  } else second = otherScene(pair.edit.before.seed);
  return {
    scenes: [...still(before, length), ...still(second, length)],
    from: length - 1,
    to: length,
    detail: isSameScene ? 'other side' : 'other scene',
    caption: pair.edit.instruction,
  };
}

/** A scene that has nothing to do with the seed's own: seeds here are far from those of any split. */
function otherScene(seed: number): Scene {
  for (let other = 2_000_000_000 + seed; ; other++)
    try {
      return sampleScene(other);
    } catch (error) {
      if (!WorldError.isInstance(error) || error.code !== 'PLACEMENT') throw error;
    }
}

/** Everything moves at once; in half of the clips the light changes too. */
function tooMuch(pair: Pair, index: number, r: Random): Take | undefined {
  const { before } = pair.edit;
  if (before.objects.length < 4) return undefined;
  let after: Scene = { ...before, objects: [] };
  for (const o of before.objects) {
    const position = freePlace(after, o, r);
    if (!position) return undefined;
    const far = Math.hypot(position[0] - o.position[0], position[2] - o.position[2]);
    if (far < 0.7) return undefined;
    after = { ...after, objects: [...after.objects, { ...o, position }] };
  }
  const motion = motionOf({
    ...pair.edit,
    kind: 'move',
    after,
    targets: before.objects.map(({ id }) => id),
    frames: [before, after],
  });
  const isNight = index % 2 === 1;
  const middle = Math.round(motion.scenes.length / 2);
  return {
    ...motion,
    scenes: isNight
      ? motion.scenes.map((s, i) => (i < middle ? s : { ...s, light: { ...s.light, time: 'night' } }))
      : motion.scenes,
    detail: isNight ? 'all objects and the light' : 'all objects',
    caption: pair.edit.instruction,
  };
}

function takeOf(label: TruthLabel, pair: Pair, index: number, r: Random): Take | undefined {
  if (label === 'keep') return keep(pair);
  if (label === 'camera') return camera(pair, index, r);
  if (label === 'cut') return cut(pair, index, r);
  if (label === 'toomuch') return tooMuch(pair, index, r);
  const scenes = still(pair.edit.before, 24 + r.index(12));
  return { scenes, from: 0, to: 0, detail: 'still', caption: pair.edit.instruction };
}

/**
 * Writes clips of known truth for measuring the filters of curation, with a side-car caption for each and `truth.json`
 * (an array of `TruthClip`). All have a little sensor noise and flicker, as videos have.
 *
 * @throws WorldError `ARGUMENT` when the seeds do not suffice; MediaError; the signal's reason when aborted
 */
export async function writeCurationTruth(options: TruthOptions): Promise<readonly TruthClip[]> {
  const { folder, clips = 10, size = 128, seeds, captions = 'both', labels = truthLabels } = options;
  const { signal, onProgress } = options;
  const rows: TruthClip[] = [];
  let seed = seeds[0];
  for (const label of labels)
    for (let done = 0; done < clips; seed++) {
      if (seed >= seeds[1])
        throw new WorldError('ARGUMENT', `seeds ${seeds.join('..')} do not suffice: widen seeds`);
      signal?.throwIfAborted();
      const kind = truthKinds[done % truthKinds.length]!;
      const scene = label === 'toomuch' ? { count: 5 } : {};
      const kinds = [label === 'toomuch' ? ('move' as const) : kind];
      const pair = await makePair(seed, { kinds, scene, size: 64 }, {}, signal);
      const r = random(seed, 6);
      const take = pair && takeOf(label, pair, done, r);
      if (!take) continue;
      const clip = `${label}-${String(done).padStart(3, '0')}.mp4`;
      await writeFilm(path.join(folder, clip), take.scenes, {
        caption: take.caption,
        captions: captions === 'both' ? (['txt', 'json'] as const)[done % 2]! : captions,
        size,
        grain: { levels: r.between(1, 3), flicker: r.between(0, 0.015) },
        r,
        ...(signal ? { signal } : {}),
      });
      rows.push({
        clip,
        label,
        detail: take.detail,
        caption: take.caption,
        seed,
        frames: take.scenes.length,
        fps: clipFramesPerSecond,
        changeFrom: take.from / clipFramesPerSecond,
        changeTo: take.to / clipFramesPerSecond,
      });
      done++;
      onProgress?.({ label, done, total: clips });
    }
  await writeFileAtomically(path.join(folder, 'truth.json'), `${JSON.stringify(rows)}\n`, signal);
  return rows;
}

/**
 * What is true of two frames of a clip, by their times in seconds: its label where the change lies between them,
 * `nochange` where it does not, `partial` where one of them shows the action half done.
 */
export function labelOfPair(
  { label, changeFrom, changeTo }: Pick<TruthClip, 'label' | 'changeFrom' | 'changeTo'>,
  first: number,
  last: number,
): TruthLabel | 'partial' {
  if (label === 'camera' || label === 'nochange') return label;
  const slack = 1e-6;
  if (last <= changeFrom + slack || first >= changeTo - slack) return 'nochange';
  return first <= changeFrom + slack && last >= changeTo - slack ? label : 'partial';
}
