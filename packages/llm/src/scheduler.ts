/**
 * @module
 * What runs in the next step, as a pure function of the engine's state: continuous batching with chunked prefill,
 * decoding first, admission by bytes of KV memory. It knows counts, not tokens, kernels or memory.
 */

import { type Admission, fittingCandidates } from './admission.js';

/** What the scheduler sees of a sequence. A sequence decodes when one token is not computed, else it prefills. */
export interface SequenceView {
  readonly id: number;
  /** Known tokens: prompt and generated. */
  readonly tokens: number;
  /** Tokens whose keys and values are in the cache; always less than `tokens`. */
  readonly computed: number;
  /** Tokens it has at most at its end. */
  readonly longest: number;
}

export interface SchedulerState {
  /** Sequences that hold a slot, oldest first. */
  readonly running: readonly SequenceView[];
  /** Sequences that wait for one, next first; preempted ones stand in front. */
  readonly waiting: readonly SequenceView[];
  readonly freeSlots: number;
  /** Bytes KV memory may hold. */
  readonly budgetBytes: number;
}

export interface SchedulerLimits {
  /** Most tokens in a step. */
  readonly tokenBudget: number;
  /** Most sequences in a step. */
  readonly maxSequences: number;
  /** Bytes a sequence of this many tokens needs. */
  readonly bytesFor: (tokens: number) => number;
  readonly admission: Admission;
}

/** One sequence's share of a step: its next `count` tokens after `computed`. */
export interface StepWork {
  readonly id: number;
  readonly count: number;
}

export interface StepPlan {
  /** Waiting sequences to give a slot, in order. */
  readonly admit: readonly number[];
  /** Decodes first, then prompt chunks, both oldest first. */
  readonly work: readonly StepWork[];
}

/**
 * Plans one step. Every decoding sequence runs; the rest of the token budget goes to prompt chunks, oldest first.
 * A waiting sequence is admitted, strictly in order, while a slot is free, tokens are left in the step's budget and
 * memory holds all its known tokens beside everything the running ones know plus one step's growth each: so an
 * admission alone never forces a preemption. With admission by longest lengths, growth does not either.
 */
export function planStep(state: SchedulerState, limits: SchedulerLimits): StepPlan {
  const work: StepWork[] = [];
  let left = limits.tokenBudget;
  for (const sequence of state.running) {
    if (sequence.tokens - sequence.computed === 1 && left > 0) {
      work.push({ id: sequence.id, count: 1 });
      left--;
    }
  }
  for (const sequence of state.running) {
    const remaining = sequence.tokens - sequence.computed;
    if (remaining <= 1 || left === 0) continue;
    const count = Math.min(remaining, left);
    work.push({ id: sequence.id, count });
    left -= count;
  }
  let freeSlots = Math.min(state.freeSlots, limits.maxSequences - state.running.length);
  const candidates: { readonly sequence: SequenceView; readonly count: number }[] = [];
  for (const sequence of state.waiting) {
    if (freeSlots === 0 || left === 0) break;
    const count = Math.min(sequence.tokens - sequence.computed, left);
    candidates.push({ sequence, count });
    freeSlots--;
    left -= count;
  }
  const fitting = fittingCandidates(
    state.running,
    candidates.map(({ sequence }) => sequence),
    state.budgetBytes,
    limits,
  );
  const admitted = candidates.slice(0, fitting);
  for (const { sequence, count } of admitted) work.push({ id: sequence.id, count });
  return { admit: admitted.map(({ sequence }) => sequence.id), work };
}

/** Which running sequence gives its memory back: the youngest; never the only one, so that something always advances. */
export function choosePreemption(running: readonly SequenceView[]): number | undefined {
  return running.length > 1 ? running[running.length - 1]?.id : undefined;
}
