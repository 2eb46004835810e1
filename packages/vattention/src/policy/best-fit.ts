/**
 * @module
 * Which idle slot a new sequence gets.
 */

/** An idle slot and what it still holds from before. */
export interface IdleSlot {
  readonly slot: number;
  /** Page groups per tensor it holds. */
  readonly groups: number;
  /** Whether some of its memory is still being given back; using it again may have to wait for that. */
  readonly releasing: boolean;
}

/**
 * Best fit: the slot that holds the least of those that hold at least `requiredGroups`, else the one that holds the
 * most (it needs the least added). Among equals one without a release under way, then the first. `undefined` when
 * there is none.
 */
export function bestFit(idle: Iterable<IdleSlot>, requiredGroups: number): IdleSlot | undefined {
  let best: IdleSlot | undefined;
  for (const candidate of idle) {
    if (best === undefined || better(candidate, best, requiredGroups)) best = candidate;
  }
  return best;
}

function better(a: IdleSlot, b: IdleSlot, required: number): boolean {
  const aFits = a.groups >= required;
  const bFits = b.groups >= required;
  if (aFits !== bFits) return aFits;
  if (a.groups !== b.groups) return aFits ? a.groups < b.groups : a.groups > b.groups;
  return b.releasing && !a.releasing;
}
