/**
 * @module
 * Whose memory is given back, in which order, when memory is short.
 */

/** A slot that holds page groups which nobody needs now. */
export interface Reclaimable {
  readonly slot: number;
  /** Page groups per tensor it holds. */
  readonly groups: number;
  /** How many of them must stay: what an active sequence needs, 0 for an idle slot. */
  readonly keep: number;
  readonly active: boolean;
  /** When it was last used, on any clock. */
  readonly usedAt: number;
}

export interface Shrink {
  readonly slot: number;
  /** Page groups per tensor that stay. */
  readonly groups: number;
}

/**
 * What to give back to free `wantedGroups`: first look-ahead and surplus of active slots (it costs a later commit and
 * nothing else), then idle slots, least recently used first. From each slot only as much as is still wanted, from
 * its end. Frees less when there is less.
 */
export function planReclaim(slots: readonly Reclaimable[], wantedGroups: number): Shrink[] {
  const order = slots
    .filter((slot) => slot.groups > slot.keep)
    .sort((a, b) => Number(b.active) - Number(a.active) || a.usedAt - b.usedAt);
  const plan: Shrink[] = [];
  for (const { slot, groups, keep } of order) {
    if (wantedGroups <= 0) break;
    const taken = Math.min(wantedGroups, groups - keep);
    plan.push({ slot, groups: groups - taken });
    wantedGroups -= taken;
  }
  return plan;
}
