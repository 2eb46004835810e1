import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  choosePreemption,
  planStep,
  type SchedulerLimits,
  type SchedulerState,
  type SequenceView,
} from './scheduler.js';

const limits: SchedulerLimits = {
  tokenBudget: 64,
  maxSequences: 8,
  bytesFor: (tokens) => tokens * 10,
  admission: 'known',
};
const view = (id: number, tokens: number, computed: number, longest = 1e6): SequenceView => ({
  id,
  tokens,
  computed,
  longest,
});
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

/** Plays requests to their ends as the engine does; calls `check` after each step. Returns the most that ran together. */
function play(
  requests: readonly { readonly prompt: number; readonly longest: number; readonly end: number }[],
  chosen: SchedulerLimits,
  budgetBytes: number,
  check: (running: readonly SequenceView[]) => void,
): number {
  let waiting = requests.map(({ prompt, longest, end }, id) => ({
    id,
    tokens: prompt,
    computed: 0,
    longest,
    end,
  }));
  let running: typeof waiting = [];
  let most = 0;
  for (let step = 0; waiting.length > 0 || running.length > 0; step++) {
    expect(step).toBeLessThan(10_000);
    const freeSlots = chosen.maxSequences - running.length;
    const { admit, work } = planStep({ running, waiting, freeSlots, budgetBytes }, chosen);
    running = [...running, ...waiting.slice(0, admit.length)];
    waiting = waiting.slice(admit.length);
    const counts = new Map(work.map(({ id, count }) => [id, count]));
    for (const sequence of running) sequence.computed += counts.get(sequence.id) ?? 0;
    check(running);
    most = Math.max(most, running.length);
    for (const sequence of running) if (sequence.computed === sequence.tokens) sequence.tokens++;
    running = running.filter((sequence) => sequence.tokens < sequence.end);
  }
  return most;
}

const request = fc
  .tuple(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 150 }))
  .map(([prompt, more, until]) => ({
    prompt,
    longest: prompt + more,
    end: prompt + Math.min(more, until),
  }));

test('admitted by longest lengths, no sequence ever grows beyond the budget, and all come to their ends', () => {
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 4, max: 100 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 300, max: 2000 }),
      (requests, tokenBudget, maxSequences, budgetTokens) => {
        const bytesFor = (tokens: number) => Math.ceil(tokens / 8) * 8;
        const chosen = { tokenBudget, maxSequences, bytesFor, admission: 'longest' } as const;
        // As the engine has it, one whole sequence fits.
        const budgetBytes = Math.max(budgetTokens, ...requests.map(({ longest }) => bytesFor(longest)));
        play(requests, chosen, budgetBytes, (running) => {
          const held = running.reduce((sum, { computed }) => sum + bytesFor(computed), 0);
          expect(held).toBeLessThanOrEqual(budgetBytes);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test('the same with more ends than are looked at one by one', () => {
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 90, maxLength: 120 }),
      fc.integer({ min: 6000, max: 14_000 }),
      (requests, budgetBytes) => {
        const bytesFor = (tokens: number) => Math.ceil(tokens / 8) * 8;
        const chosen = { tokenBudget: 400, maxSequences: 120, bytesFor, admission: 'longest' } as const;
        const most = play(requests, chosen, budgetBytes, (running) => {
          const held = running.reduce((sum, { computed }) => sum + bytesFor(computed), 0);
          expect(held).toBeLessThanOrEqual(budgetBytes);
        });
        expect(most).toBeGreaterThan(10);
      },
    ),
    { numRuns: 20 },
  );
});

test('admission by longest lengths counts on ends: more run together than whole reservations would let', () => {
  const chosen = { ...limits, maxSequences: 64, tokenBudget: 512, admission: 'longest' } as const;
  // Whole reservations of 100 tokens: ten. The first ones end before the later ones grow.
  const requests = Array.from({ length: 40 }, (_, i) => ({
    prompt: 10,
    longest: 20 + 2 * i,
    end: 20 + 2 * i,
  }));
  expect(play(requests, chosen, 10_000, () => {})).toBeGreaterThan(20);
});
