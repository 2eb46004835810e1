import { type Edit, isUnambiguous } from './edit.js';
import type { Frame } from './render/render.js';
import { halfExtents, sizes } from './scene.js';
import type { EditKind } from './wording.js';

/** The seven checks of a pair, by what they reject. */
export type Rejection =
  | 'camera'
  | 'bystander'
  | 'changed-pixels'
  | 'hidden'
  | 'too-small-a-change'
  | 'ambiguous'
  | 'out-of-frame';

/** Share of pixels where any channel differs by more than 8 levels. */
export function changedFraction(a: Frame, b: Frame): number {
  let changed = 0;
  for (let i = 0; i < a.data.length; i += 3)
    if ([0, 1, 2].some((c) => Math.abs(a.data[i + c]! - b.data[i + c]!) > 8)) changed++;
  return changed / (a.width * a.height);
}

const isGlobal = ({ kind }: Edit): boolean => kind === 'floor' || kind === 'light' || kind === 'night';
const moving: readonly EditKind[] = ['move', 'relate', 'push', 'fall', 'roll', 'drop'];

/** The checks that states alone decide; run before anything is rendered. */
export function cheapRejections(edit: Edit): Rejection[] {
  const { before, after, targets, kind } = edit;
  const found: Rejection[] = [];
  if (
    JSON.stringify(before.camera) !== JSON.stringify(after.camera) ||
    (!isGlobal(edit) &&
      JSON.stringify([before.light, before.floor]) !== JSON.stringify([after.light, after.floor]))
  )
    found.push('camera');
  const bystanders = before.objects.filter((o) => !targets.includes(o.id));
  if (
    bystanders.some((o) => JSON.stringify(o) !== JSON.stringify(after.objects.find(({ id }) => id === o.id)))
  )
    found.push('bystander');
  const t = before.objects.find((o) => o.id === targets[0]);
  const u = after.objects.find((o) => o.id === targets[0]);
  if (t && u && moving.includes(kind)) {
    const d = Math.hypot(...t.position.map((x, i) => x - u.position[i]!));
    if (d < (kind === 'push' ? 1 : 2) * Math.min(...halfExtents(t))) found.push('too-small-a-change');
  }
  if (kind === 'resize' && sizes.large / sizes.small < 1.35) found.push('too-small-a-change');
  // A toppled thing's axis must end closer to level than to upright.
  if (kind === 'knock' && u && Math.abs(1 - 2 * (u.rotation[0] ** 2 + u.rotation[2] ** 2)) > 0.6)
    found.push('too-small-a-change');
  if (!isUnambiguous(edit)) found.push('ambiguous');
  if (after.objects.some(({ position: [x, , z] }) => Math.abs(x) > 2.4 || z < -2.4 || z > 2.1))
    found.push('out-of-frame');
  return found;
}

/** Every reason to reject a pair: empty when the change is just what the instruction says and can be seen. */
export function rejections(edit: Edit, first: Frame, last: Frame): Rejection[] {
  const { before, after, targets } = edit;
  const found = cheapRejections(edit);
  const fraction = changedFraction(first, last);
  if (fraction < 0.005 || (!isGlobal(edit) && fraction > 0.45)) found.push('changed-pixels');
  const seenFirst = before.objects.every((o, i) => !targets.includes(o.id) || first.visible[i]! >= 0.25);
  const seenLast = after.objects.every((o, i) => !targets.includes(o.id) || last.visible[i]! >= 0.25);
  if (!seenFirst || !seenLast) found.push('hidden');
  return found;
}
