import { type Edit, proposeEdit } from './edit.js';
import { WorldError } from './errors.js';
import { type Rejection, rejections } from './minimality.js';
import { type Random, random } from './random.js';
import { holds, plainReferences, refer } from './refer.js';
import { type Frame, render } from './render/render.js';
import { type SceneOptions, sampleScene } from './sample-scene.js';
import { type Colour, colours, type Scene, shapes } from './scene.js';
import { type EditKind, instructions, type Wording } from './wording.js';

/** How many drafts were refused and why: the datasheet prints it. */
export type RejectionLog = Partial<Record<Rejection | 'no-draft' | 'physics' | 'placement', number>>;

/** What a set of pairs is drawn from. */
export interface PairOptions {
  readonly kinds: readonly EditKind[];
  readonly wording?: Wording;
  readonly scene?: SceneOptions;
  /** Name objects by place ("the leftmost cube"). */
  readonly relational?: boolean;
  /** Pixels, default 64. */
  readonly size?: number;
}

/** A checked pair. */
export interface Pair {
  readonly edit: Edit;
  readonly first: Frame;
  readonly last: Frame;
  /** An instruction that already holds before, so that nothing should change. */
  readonly nochange?: string;
}

/** An instruction asking for what already is. Adding has none. */
export function noChangePrompt(
  scene: Scene,
  kind: EditKind,
  wording: Wording,
  r: Random,
): string | undefined {
  const a = r.pick(scene.objects);
  const A = refer(scene, a, r)?.text;
  const say = (k: EditKind, x = '', y = ''): string => r.pick(instructions(k, wording, x, y));
  if (kind === 'floor') return say('floor', '', scene.floor);
  if (kind === 'light' || kind === 'night') return say('light', '', scene.light.side);
  if (kind === 'remove') {
    const absent = r
      .shuffle(Object.keys(colours) as Colour[])
      .flatMap((colour) => shapes.map((shape) => ({ colour, shape })))
      .find(({ colour, shape }) => !scene.objects.some((o) => o.colour === colour && o.shape === shape));
    return absent && say('remove', `the ${absent.colour} ${absent.shape}`);
  }
  if (A === undefined || kind === 'add') return undefined;
  if (kind === 'resize') return say('resize', A, a.size);
  if (kind === 'reshape') return say('reshape', A, `a ${a.shape}`);
  const side = scene.objects.find((b) => holds(a, 'left of', b));
  const B = side && plainReferences(scene, side)[0];
  if (B && kind !== 'recolour' && kind !== 'rematerial') return say('relate', A, `to the left of ${B.text}`);
  return say('recolour', A, a.colour);
}

/** Which prop a kind needs. */
function sceneFor(kind: EditKind, options: SceneOptions = {}): SceneOptions {
  if (kind === 'roll') return { prop: 'ramp', ...options };
  if (kind === 'fall') return { ...options, prop: 'platform' };
  const { prop: _unused, ...rest } = options;
  return rest;
}

/**
 * The pair of one seed, or undefined when the drafts of this seed were all rejected (counted in `log`). The scene
 * depends on the seed alone, so disjoint seed ranges give disjoint scenes.
 */
export async function makePair(
  seed: number,
  options: PairOptions,
  log: RejectionLog = {},
  signal?: AbortSignal,
): Promise<Pair | undefined> {
  const r = random(seed, 2);
  const { wording = 'training', size = 64, relational = false } = options;
  const kind = r.pick(options.kinds);
  const count = (reason: keyof RejectionLog): void => {
    log[reason] = (log[reason] ?? 0) + 1;
  };
  let scene: Scene;
  try {
    scene = sampleScene(seed, sceneFor(kind, options.scene));
  } catch (error) {
    if (!WorldError.isInstance(error) || error.code !== 'PLACEMENT') throw error;
    count('placement');
    return undefined;
  }
  for (let draft = 0; draft < 4; draft++) {
    signal?.throwIfAborted();
    let edit: Edit | undefined;
    try {
      edit = await proposeEdit(scene, kind, r, { wording, relational, ...(signal ? { signal } : {}) });
    } catch (error) {
      if (!WorldError.isInstance(error) || error.code !== 'PHYSICS') throw error;
      count('physics');
      continue;
    }
    if (!edit) {
      count('no-draft');
      continue;
    }
    const first = render(edit.before, { width: size });
    const last = render(edit.after, { width: size });
    const reasons = rejections(edit, first, last);
    if (reasons.length > 0) {
      for (const reason of reasons) count(reason);
      continue;
    }
    const nochange = noChangePrompt(edit.before, kind, wording, r);
    return { edit, first, last, ...(nochange === undefined ? {} : { nochange }) };
  }
  return undefined;
}
