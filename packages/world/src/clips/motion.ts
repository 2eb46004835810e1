import type { Edit } from '../edit.js';
import { WorldError } from '../errors.js';
import { type Quaternion, reach, type Scene, type Vec3, type WorldObject } from '../scene.js';
import type { EditKind } from '../wording.js';

/** Frames a second of clips; physics reports its states at this rate. */
export const clipFramesPerSecond = 12;

/** Kinds that can be shown as a motion. A colour does not change on its own in a video, so looks are not among them. */
export const clipKinds = [
  'add',
  'add-count',
  'remove',
  'remove-all',
  'move',
  'relate',
  'swap',
  'closer',
  'apart',
  'turn',
  'flip',
  'knock',
  'drop',
  'push',
  'fall',
  'roll',
  'undermine',
] as const satisfies readonly EditKind[];

/** A clip as states; `from` and `to` are the last frame before and the first frame after the motion. */
export interface Motion {
  readonly scenes: readonly Scene[];
  readonly from: number;
  readonly to: number;
}

/** Lengths of a motion, seconds. */
export interface MotionOptions {
  /** Of the motion itself; physics takes the time it takes. Default 1.5. */
  readonly seconds?: number;
  /** Of the still picture before and after. Default 0.5. */
  readonly still?: number;
}

/** Height to which things are lifted out of the picture, metres. */
const outOfSight = 4.5;
const lift = 1.3;
const ease = (t: number): number => t * t * (3 - 2 * t);

/** Spherical interpolation, the shorter way. */
export function slerp(a: Quaternion, b: Quaternion, t: number): Quaternion {
  let cos = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = cos < 0 ? -1 : 1;
  cos *= sign;
  const angle = Math.acos(Math.min(1, cos));
  const [x, y] =
    angle < 1e-6
      ? [1 - t, t * sign]
      : [Math.sin((1 - t) * angle) / Math.sin(angle), (sign * Math.sin(t * angle)) / Math.sin(angle)];
  return [0, 1, 2, 3].map((i) => x * a[i]! + y * b[i]!) as unknown as Quaternion;
}

/** True when something stands on the straight way of an object from one place to another. */
function isBlocked(object: WorldObject, to: Vec3, others: readonly WorldObject[]): boolean {
  const [x0, , z0] = object.position;
  const dx = to[0] - x0,
    dz = to[2] - z0;
  const length2 = dx * dx + dz * dz;
  return others.some((o) => {
    const along = length2 === 0 ? 0 : ((o.position[0] - x0) * dx + (o.position[2] - z0) * dz) / length2;
    const t = Math.min(1, Math.max(0, along));
    return Math.hypot(x0 + t * dx - o.position[0], z0 + t * dz - o.position[2]) < reach(o) + reach(object);
  });
}

/** How high each moved object is carried, metres: over what is in its way, so that nothing passes through anything. */
function heights({ before, after, kind, targets }: Edit): Map<number, number> {
  const result = new Map<number, number>();
  for (const [i, id] of targets.entries()) {
    const a = before.objects.find((o) => o.id === id);
    const b = after.objects.find((o) => o.id === id);
    if (!a || !b) continue;
    const isOnTop = Math.abs(b.position[1] - a.position[1]) > 0.1;
    // Of two that change places only the first is lifted: the other slides beneath.
    const others = before.objects.filter((o) => o !== a && !(i > 0 && targets.includes(o.id)));
    if (isOnTop || isBlocked(a, b.position, others)) result.set(id, Math.min(3, lift * (i + 1)));
    else if (kind === 'flip') result.set(id, 0.5);
  }
  return result;
}

function between(edit: Edit, raised: ReadonlyMap<number, number>, t: number): Scene {
  const { before, after } = edit;
  const s = ease(t);
  const at = (o: WorldObject, up: number): WorldObject => ({
    ...o,
    position: [o.position[0], o.position[1] + up, o.position[2]],
  });
  const stayed = before.objects.map((a) => {
    const b = after.objects.find(({ id }) => id === a.id);
    if (!b) return at(a, s * outOfSight);
    if (JSON.stringify(a) === JSON.stringify(b)) return a;
    const arc = (raised.get(a.id) ?? 0) * Math.sin(Math.PI * t);
    const position = a.position.map((p, i) => p + (b.position[i]! - p) * s + (i === 1 ? arc : 0));
    return { ...a, position: position as unknown as Vec3, rotation: slerp(a.rotation, b.rotation, s) };
  });
  const come = after.objects.filter((b) => !before.objects.some(({ id }) => id === b.id));
  return { ...before, objects: [...stayed, ...come.map((o) => at(o, (1 - s) * outOfSight))] };
}

/**
 * An edit as a short motion: physics as it ran, else carried by an unseen hand. First and last state are the edit's own.
 * @throws WorldError `ARGUMENT` for kinds that are no motion
 */
export function motionOf(edit: Edit, options: MotionOptions = {}): Motion {
  const { seconds = 1.5, still = 0.5 } = options;
  if (!clipKinds.some((kind) => kind === edit.kind))
    throw new WorldError('ARGUMENT', `kind ${edit.kind} is no motion: use one of ${clipKinds.join(', ')}`);
  const pause = Math.max(1, Math.round(still * clipFramesPerSecond));
  const moving = Math.max(2, Math.round(seconds * clipFramesPerSecond));
  const raised = heights(edit);
  const middle =
    edit.frames.length > 2
      ? edit.frames.slice(1, -1)
      : Array.from({ length: moving - 1 }, (_, i) => between(edit, raised, (i + 1) / moving));
  return {
    scenes: [
      ...Array.from({ length: pause }, () => edit.before),
      ...middle,
      ...Array.from({ length: pause }, () => edit.after),
    ],
    from: pause - 1,
    to: pause + middle.length,
  };
}
