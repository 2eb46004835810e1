import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  choosePreemption,
  planStep,
  type SchedulerLimits,
  type SchedulerState,
  type SequenceView,
} from './scheduler.js';

const limits: SchedulerLimits = { tokenBudget: 64, maxSequences: 8, bytesFor: (tokens) => tokens * 10 };
const view = (id: number, tokens: number, computed: number): SequenceView => ({ id, tokens, computed });
const state = (part: Partial<SchedulerState>): SchedulerState => ({
  running: [],
  waiting: [],
  freeSlots: 8,
  budgetBytes: 1e9,
  ...part,
});

test('decodes go first, prompt chunks share what is left', () => {
  const plan = planStep(
    state({ running: [view(1, 200, 0), view(2, 11, 10), view(3, 100, 50), view(4, 6, 5)] }),
    limits,
  );
  expect(plan.work).toEqual([
    { id: 2, count: 1 },
    { id: 4, count: 1 },
    { id: 1, count: 62 },
  ]);
});

test('admits in order, and stops at the first that does not fit', () => {
  const waiting = [view(1, 10, 0), view(2, 1000, 0), view(3, 1, 0)];
  expect(planStep(state({ waiting, budgetBytes: 500 }), limits).admit).toEqual([1]);
  expect(planStep(state({ waiting, freeSlots: 1 }), limits).admit).toEqual([1]);
  expect(planStep(state({ waiting }), limits)).toEqual({
    admit: [1, 2],
    work: [
      { id: 1, count: 10 },
      { id: 2, count: 54 },
    ],
  });
});

test('preempts the youngest but never the only one', () => {
  expect(choosePreemption([view(1, 5, 4), view(2, 5, 4)])).toBe(2);
  expect(choosePreemption([view(1, 5, 4)])).toBeUndefined();
});

const sequences = fc.array(
  fc.record({
    tokens: fc.integer({ min: 1, max: 300 }),
    share: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { maxLength: 12 },
);

test('every plan keeps the budgets and works only on what is admitted', () => {
  fc.assert(
    fc.property(
      sequences,
      sequences,
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 20_000 }),
      (r, w, tokenBudget, freeSlots, budgetBytes) => {
        const running = r.map((s, id) => view(id, s.tokens, Math.floor(s.tokens * s.share)));
        const waiting = w.map((s, i) => view(100 + i, s.tokens, 0));
        const chosen = { ...limits, tokenBudget, maxSequences: 16 };
        const plan = planStep({ running, waiting, freeSlots, budgetBytes }, chosen);
        const total = plan.work.reduce((sum, work) => sum + work.count, 0);
        expect(total).toBeLessThanOrEqual(tokenBudget);
        expect(plan.admit).toEqual(waiting.slice(0, plan.admit.length).map((s) => s.id));
        expect(plan.admit.length).toBeLessThanOrEqual(freeSlots);
        expect(running.length + plan.admit.length).toBeLessThanOrEqual(Math.max(16, running.length));
        const known = new Map([...running, ...waiting].map((s) => [s.id, s]));
        expect(new Set(plan.work.map((work) => work.id)).size).toBe(plan.work.length);
        for (const work of plan.work) {
          const sequence = known.get(work.id)!;
          expect(work.count).toBeGreaterThan(0);
          expect(work.count).toBeLessThanOrEqual(sequence.tokens - sequence.computed);
          expect(work.id < 100 || plan.admit.includes(work.id)).toBe(true);
        }
        // Decoding is never starved by prompts: a decode is left out only when decodes alone fill the step.
        const decoding = running.filter((s) => s.tokens - s.computed === 1).length;
        const planned = plan.work.filter(
          (work) => known.get(work.id)!.tokens - known.get(work.id)!.computed === 1 && work.id < 100,
        );
        expect(planned.length).toBe(Math.min(decoding, tokenBudget));
        // Something advances whenever anything runs.
        if (running.length > 0) expect(plan.work.length).toBeGreaterThan(0);
      },
    ),
  );
});
