import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestFit, type IdleSlot } from './best-fit.js';
import { planLookAhead } from './look-ahead.js';
import { planReclaim } from './reclaim.js';

const idle = (...groups: number[]): IdleSlot[] =>
  groups.map((n, slot) => ({ slot, groups: n, releasing: false }));

describe('bestFit', () => {
  it('defect 3: a slot that fits is found although the first idle slot is too small', () => {
    expect(bestFit(idle(1, 8, 5, 9), 4)?.slot).toBe(2);
  });

  it('takes the largest when none fits, and nothing from nothing', () => {
    expect(bestFit(idle(1, 3, 2), 4)?.slot).toBe(1);
    expect(bestFit([], 4)).toBeUndefined();
  });

  it('leaves a slot whose memory is still on its way back to others', () => {
    const [a, b] = idle(0, 0);
    expect(bestFit([{ ...a!, releasing: true }, b!], 1)?.slot).toBe(1);
  });

  it('obeys the rule for any slots', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1 }), fc.nat(20), (groups, required) => {
        const fitting = groups.filter((n) => n >= required);
        const expected = fitting.length > 0 ? Math.min(...fitting) : Math.max(...groups);
        expect(bestFit(idle(...groups), required)?.groups).toBe(expected);
      }),
    );
  });
});

describe('planReclaim', () => {
  const slot = { groups: 10, keep: 0, active: false, usedAt: 0 };

  it('defect 6: idle slots go by last use, not by number', () => {
    const slots = [7, 3, 9].map((usedAt, index) => ({ ...slot, slot: index, usedAt }));
    expect(planReclaim(slots, 25)).toEqual([
      { slot: 1, groups: 0 },
      { slot: 0, groups: 0 },
      { slot: 2, groups: 5 },
    ]);
  });

  it('gives up look-ahead before idle slots, and never what an active slot needs', () => {
    const slots = [
      { ...slot, slot: 0, usedAt: 1 },
      { ...slot, slot: 1, usedAt: 5, active: true, keep: 8 },
    ];
    expect(planReclaim(slots, 3)).toEqual([
      { slot: 1, groups: 8 },
      { slot: 0, groups: 9 },
    ]);
    expect(planReclaim(slots, 1000)).toEqual([
      { slot: 1, groups: 8 },
      { slot: 0, groups: 0 },
    ]);
    expect(planReclaim(slots, 0)).toEqual([]);
    expect(planReclaim(slots, -5)).toEqual([]);
  });
});

describe('planLookAhead', () => {
  const runner = (slot: number, groups: number, next: number, ahead: number) => ({
    slot,
    groups,
    next,
    ahead,
  });

  it('serves everybody in full when memory suffices', () => {
    expect(planLookAhead([runner(0, 4, 5, 8), runner(1, 2, 3, 6)], 8)).toEqual([
      { slot: 0, groups: 8 },
      { slot: 1, groups: 6 },
    ]);
  });

  it('serves everybody the next token before anybody more', () => {
    expect(planLookAhead([runner(0, 4, 5, 8), runner(1, 2, 3, 6), runner(2, 7, 7, 8)], 7)).toEqual([
      { slot: 0, groups: 5 },
      { slot: 1, groups: 3 },
    ]);
  });

  it('never plans more than is free', () => {
    const runners = fc.array(fc.tuple(fc.nat(5), fc.nat(3), fc.nat(5)));
    fc.assert(
      fc.property(runners, fc.nat(20), (list, free) => {
        const slots = list.map(([groups, next, more], slot) =>
          runner(slot, groups, groups + next, groups + next + more),
        );
        const plan = planLookAhead(slots, free);
        const used = plan.reduce((sum, { slot, groups }) => sum + groups - slots[slot]!.groups, 0);
        expect(used).toBeLessThanOrEqual(free);
        for (const { slot, groups } of plan) {
          expect(groups).toBeGreaterThan(slots[slot]!.groups);
          expect(groups).toBeLessThanOrEqual(slots[slot]!.ahead);
        }
      }),
    );
  });
});
