import { type Edit, namedIds } from './edits/draft.js';
import type { Frame } from './render/render.js';
import { halfExtents, type Scene, type WorldObject } from './scene.js';
import type { EditKind } from './wording.js';

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

/** Kinds whose first target must go a way that can be seen. */
export const moving: readonly EditKind[] = ['move', 'relate', 'push', 'fall', 'roll', 'drop', 'undermine'];

/** What the checks measured of a pair. All but `displacement` are shares, 0 to 1. */
export interface Checks {
  /** Pixels that differ visibly: `changedFraction`. */
  readonly changedPixels: number;
  /** `bystanderOverlap`; not of a viewpoint, from where every mask looks different. */
  readonly bystanderOverlap?: number;
  /** Least visible share of what is changed or named, before and after; missing when that is nobody. */
  readonly visible?: number;
  /** Way of the first target in its diameters (twice its smallest half extent), of kinds that bring it elsewhere. */
  readonly displacement?: number;
}

/** What is measured of a pair. */
export function measure(edit: Edit, first: Frame, last: Frame): Checks {
  const { before, after, kind } = edit;
  const named = namedIds(edit);
  const seen = [
    ...before.objects.map(({ id }, i) => [id, first.visible[i]!] as const),
    ...after.objects.map(({ id }, i) => [id, last.visible[i]!] as const),
  ].flatMap(([id, share]) => (named.has(id) ? [share] : []));
  const displacement = [...moving, 'swap', 'closer', 'apart'].includes(kind) ? diameters(edit) : undefined;
  return {
    changedPixels: changedFraction(first, last),
    ...(kind === 'viewpoint' ? {} : { bystanderOverlap: bystanderOverlap(edit, first, last) }),
    ...(seen.length === 0 ? {} : { visible: Math.min(...seen) }),
    ...(displacement === undefined ? {} : { displacement }),
  };
}

/** The same measures to four digits, as rows keep them. */
export function rounded(checks: Checks): Checks {
  return Object.fromEntries(
    Object.entries(checks).map(([name, value]) => [name, Math.round(value * 1e4) / 1e4]),
  ) as unknown as Checks;
}

/** How far one of the targets went, in its diameters; undefined when it is not there before and after. */
export function diameters({ before, after, targets }: Edit, index = 0): number | undefined {
  const find = (scene: Scene): WorldObject | undefined =>
    scene.objects.find(({ id }) => id === targets[index]);
  const [a, b] = [find(before), find(after)];
  if (!a || !b) return undefined;
  return Math.hypot(...a.position.map((x, i) => x - b.position[i]!)) / (2 * Math.min(...halfExtents(a)));
}
