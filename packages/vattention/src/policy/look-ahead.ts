/**
 * @module
 * How far ahead of the sequences memory is committed.
 */

/** An active slot that runs out of committed memory soon. */
export interface Runner {
  readonly slot: number;
  /** Page groups per tensor it holds. */
  readonly groups: number;
  /** What its very next token needs. */
  readonly next: number;
  /** What the look-ahead wants for it. */
  readonly ahead: number;
}

export interface Growth {
  readonly slot: number;
  readonly groups: number;
}

/**
 * Targets within `freeGroups`. When they do not suffice for everybody's look-ahead, everybody's next token comes
 * first: a look-ahead of one for all is worth more than a long one for some.
 */
export function planLookAhead(runners: readonly Runner[], freeGroups: number): Growth[] {
  const suffices = runners.reduce((sum, runner) => sum + runner.ahead - runner.groups, 0) <= freeGroups;
  const plan: Growth[] = [];
  for (const runner of runners) {
    const target = suffices ? runner.ahead : Math.min(runner.next, runner.ahead);
    const more = target - runner.groups;
    if (more <= 0 || more > freeGroups) continue;
    plan.push({ slot: runner.slot, groups: target });
    freeGroups -= more;
  }
  return plan;
}
