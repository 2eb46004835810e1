import { type Edit, proposeEdit } from './edit.js';
import { propFor } from './edits/actions.js';
import { WorldError } from './errors.js';
import { heldOutPairs, showsAny } from './held-out.js';
import { type Checks, measure } from './measures.js';
import { cheapRejections, type Rejection, rejections } from './minimality.js';
import { noChangePrompt } from './nochange.js';
import { addVideoNoise, type NoiseKind } from './noise.js';
import { random } from './random.js';
import { type Frame, render } from './render/render.js';
import { type SceneOptions, sampleScene } from './sample-scene.js';
import type { Scene } from './scene.js';
import type { EditKind, Wording } from './wording.js';

/** Version of what a seed gives; generator.test.ts holds it to its word. Datasheets and model cards name it. */
export const generatorVersion = 2;

/** How many drafts were refused and why: the datasheet prints it. */
export type RejectionLog = Partial<
  Record<Rejection | 'no-draft' | 'physics' | 'placement' | 'held-out', number>
>;

/** What a set of pairs is drawn from. */
export interface PairOptions {
  readonly kinds: readonly EditKind[];
  readonly wording?: Wording;
  /** Unless it says `exclude` or `require`, the held-out (colour, shape) pairs are excluded. */
  readonly scene?: SceneOptions;
  /** Name objects by place ("the leftmost cube"): always, never, or in this share of pairs (0 to 1). */
  readonly relational?: boolean | number;
  /** `video` makes pairs that are not minimal: the camera shakes or an unrelated object moves as well. */
  readonly noise?: 'video';
  /** Pixels, default 64. */
  readonly size?: number;
}

/** A checked pair. */
export interface Pair {
  readonly edit: Edit;
  readonly first: Frame;
  readonly last: Frame;
  readonly wording: Wording;
  /** What the checks measured; with `noise`, before that was added. */
  readonly checks: Checks;
  /** An instruction that already holds before, so that nothing should change. */
  readonly nochange?: string;
  /** What else changes, in pairs made with `noise`. */
  readonly noise?: NoiseKind;
}

/** Which prop a kind needs, and what must not occur. */
function sceneFor(kind: EditKind, options: SceneOptions = {}): SceneOptions {
  const { prop: _unused, ...rest } = options;
  const base: SceneOptions =
    rest.exclude === undefined && rest.require === undefined ? { ...rest, exclude: heldOutPairs } : rest;
  const prop = propFor[kind];
  return prop ? { ...base, prop } : base;
}

/**
 * The pair of one seed, or undefined when the drafts of this seed were all rejected (counted in `log`). The scene
 * depends on the seed alone, so disjoint seed ranges give disjoint scenes.
 *
 * @throws WorldError `ARGUMENT`; the signal's reason when aborted
 */
export async function makePair(
  seed: number,
  options: PairOptions,
  log: RejectionLog = {},
  signal?: AbortSignal,
): Promise<Pair | undefined> {
  const r = random(seed, 2);
  const { wording = 'training', size = 64, relational = false } = options;
  const share = Number(relational);
  if (!(share >= 0 && share <= 1))
    throw new WorldError(
      'ARGUMENT',
      `relational must be true, false or a share from 0 to 1, not ${relational}`,
    );
  if (options.kinds.length === 0)
    throw new WorldError('ARGUMENT', 'kinds is empty: name at least one kind of edit');
  const kind = r.pick(options.kinds);
  const byPlace = r.next() < share;
  const count = (reason: keyof RejectionLog): void => {
    log[reason] = (log[reason] ?? 0) + 1;
  };
  const sceneOptions = sceneFor(kind, options.scene);
  const exclude = sceneOptions.exclude ?? new Set();
  let scene: Scene;
  try {
    scene = sampleScene(seed, sceneOptions);
  } catch (error) {
    if (!WorldError.isInstance(error) || error.code !== 'PLACEMENT') throw error;
    count('placement');
    return undefined;
  }
  const frames = new Map<Scene, Frame>();
  const frameOf = (state: Scene): Frame => {
    const frame = frames.get(state) ?? render(state, { width: size });
    frames.set(state, frame);
    return frame;
  };
  for (let draft = 0; draft < 6; draft++) {
    signal?.throwIfAborted();
    let edit: Edit | undefined;
    try {
      edit = await proposeEdit(scene, kind, r, {
        wording,
        relational: byPlace,
        ...(sceneOptions.require ? { about: 0 } : {}),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (!WorldError.isInstance(error) || error.code !== 'PHYSICS') throw error;
      count('physics');
      continue;
    }
    if (!edit) {
      count('no-draft');
      continue;
    }
    if (showsAny(edit.after, exclude)) {
      count('held-out');
      continue;
    }
    const cheap = cheapRejections(edit);
    for (const reason of cheap) count(reason);
    if (cheap.length > 0) continue;
    const [before, after] = [frameOf(edit.before), frameOf(edit.after)];
    const checks = measure(edit, before, after);
    const reasons = rejections(edit, before, after, checks);
    for (const reason of reasons) count(reason);
    if (reasons.length > 0) continue;
    const nochange = noChangePrompt(edit.before, kind, wording, r, exclude);
    const noisy = options.noise === 'video' ? addVideoNoise(edit, random(seed, 3)) : { edit };
    return {
      first: frameOf(edit.before),
      last: frameOf(noisy.edit.after),
      wording,
      checks,
      ...noisy,
      ...(nochange === undefined ? {} : { nochange }),
    };
  }
  return undefined;
}
