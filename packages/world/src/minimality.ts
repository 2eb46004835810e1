import { type Edit, isUnambiguous } from './edit.js';
import { namedIds } from './edits/draft.js';
import type { Frame } from './render/render.js';
import { halfExtents, type Scene, sizes } from './scene.js';
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

/**
 * The least mask IoU (before against after) of the objects that are no target, 0 to 1. Pixels where a target stands in
 * either picture do not count: there it hides or uncovers them. An object gone altogether counts as 0.
 */
export function bystanderOverlap({ before, after, targets }: Edit, first: Frame, last: Frame): number {
  const idOf = (scene: Scene, value: number): number => (value === 0 ? -1 : scene.objects[value - 1]!.id);
  const both = new Map<number, number>();
  const either = new Map<number, number>();
  const count = (map: Map<number, number>, id: number): unknown => map.set(id, (map.get(id) ?? 0) + 1);
  for (let i = 0; i < first.mask.length; i++) {
    const a = idOf(before, first.mask[i]!);
    const b = idOf(after, last.mask[i]!);
    if (targets.includes(a) || targets.includes(b)) continue;
    if (a >= 0) count(either, a);
    if (b >= 0 && b !== a) count(either, b);
    if (a >= 0 && a === b) count(both, a);
  }
  return Math.min(1, ...[...either].map(([id, total]) => (both.get(id) ?? 0) / total));
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
  const { before, after } = edit;
  const found = cheapRejections(edit);
  const fraction = changedFraction(first, last);
  if (fraction < 0.005 || (!isGlobal(edit) && fraction > 0.45)) found.push('changed-pixels');
  const named = namedIds(edit);
  const isSeen = (scene: Scene, frame: Frame): boolean =>
    scene.objects.every((o, i) => !named.has(o.id) || frame.visible[i]! >= 0.25);
  if (!isSeen(before, first) || !isSeen(after, last)) found.push('hidden');
  if (!found.includes('bystander') && bystanderOverlap(edit, first, last) < 0.98) found.push('bystander');
  return found;
}
