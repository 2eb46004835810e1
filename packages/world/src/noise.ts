import type { Edit } from './edit.js';
import { namedIds } from './edits/draft.js';
import type { Random } from './random.js';
import { isFree } from './sample-scene.js';
import { type Scene, type Vec3, withObject } from './scene.js';

/** What a non-minimal pair changes besides the edit: the camera, or an object nobody named. */
export type NoiseKind = 'camera' | 'object';

/** The scene seen as if the camera had been held by hand: some centimetres aside, aimed a little elsewhere. */
export function shakenCamera(scene: Scene, r: Random, strength = 1): Scene {
  const jitter = (low: number, high: number): number => r.pick([-1, 1]) * r.between(low, high) * strength;
  const { position, target } = scene.camera;
  // At 64 pixels the aim alone moves the picture by about 1.5 to 4 pixels, as between two frames of handheld video.
  const aim: Vec3 = [jitter(0.14, 0.32), jitter(0, 0.14), jitter(0.05, 0.22)];
  const place: Vec3 = [aim[0] + jitter(0, 0.15), jitter(0, 0.12), jitter(0, 0.15)];
  const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
  return { ...scene, camera: { ...scene.camera, position: add(position, place), target: add(target, aim) } };
}

/** Moves one object that the edit does not name, 0.5 to 1.2 m, or undefined when none has room. */
function strayObject(edit: Edit, r: Random): Scene | undefined {
  const { after } = edit;
  const named = namedIds(edit);
  const free = after.objects.filter(
    (o, i) => !named.has(o.id) && !(i === 0 && after.props.length > 0) && o.position[1] < 0.8,
  );
  for (const o of r.shuffle(free))
    for (let attempt = 0; attempt < 12; attempt++) {
      const angle = r.between(0, 2 * Math.PI);
      const step = r.between(0.5, 1.2);
      const position: Vec3 = [
        o.position[0] + Math.cos(angle) * step,
        o.position[1],
        o.position[2] + Math.sin(angle) * step,
      ];
      if (isFree(after, o, position, o.id)) return withObject(after, o.id, { position });
    }
  return undefined;
}

/**
 * The same edit and instruction, but the scene after shows more: a shaken camera or an unrelated object moved, each
 * half of the time where both are possible. Made for the ablation of minimality; the result fails its checks by design.
 */
export function addVideoNoise(edit: Edit, r: Random): { readonly edit: Edit; readonly noise: NoiseKind } {
  const stray = r.next() < 0.5 ? strayObject(edit, r) : undefined;
  const after = stray ?? shakenCamera(edit.after, r);
  return { edit: { ...edit, after, frames: [edit.before, after] }, noise: stray ? 'object' : 'camera' };
}
