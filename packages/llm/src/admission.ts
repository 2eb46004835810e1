/**
 * @module
 * How many waiting sequences KV memory has room for: pure functions that the scheduler asks.
 */
import type { SchedulerLimits, SequenceView } from './scheduler.js';

/**
 * What a waiting sequence's memory is judged by. `known`: the tokens it and the running ones have; most run together,
 * and when they grow beyond the budget the youngest is preempted. `longest`: what all may come to need at one time; none
 * is ever preempted for the budget, and a request without a limit counts as a whole context.
 */
export const admissions = ['known', 'longest'] as const;
export type Admission = (typeof admissions)[number];

/** How many of the candidates, in order, fit the budget beside what runs. */
export function fittingCandidates(
  running: readonly SequenceView[],
  candidates: readonly SequenceView[],
  budgetBytes: number,
  limits: SchedulerLimits,
): number {
  const { bytesFor, admission } = limits;
  let known = 0;
  for (const { tokens } of running) known += bytesFor(tokens + 1);
  let fitting = 0;
  for (const { tokens } of candidates) {
    known += bytesFor(tokens + 1);
    if (known > budgetBytes) break;
    fitting++;
  }
  if (admission === 'known') return fitting;
  // More sequences never need less, so the most that fit are found by halving.
  let least = 0;
  while (least < fitting) {
    const middle = Math.ceil((least + fitting) / 2);
    if (peakFits([...running, ...candidates.slice(0, middle)], budgetBytes, limits)) least = middle;
    else fitting = middle - 1;
  }
  return least;
}

/** So many moments are looked at: with more sequences, several ends are taken for one, on the safe side. */
const mostMoments = 64;

/**
 * Whether these sequences stay within the budget, if each goes on to its longest length or ends before and none is
 * admitted after them, whatever order `planStep` computes prompts and decodes in.
 *
 * A decoding sequence grows by a token a step and ends, at the latest, after `longest - tokens` steps; one whose prompt
 * is not computed does so after a delay, for which prompts before it (by age) and its own take what decodes leave of
 * the step's budget. In between it may have grown already or not yet: it counts as grown, and as there until its last
 * possible end. When a step's budget is too small for all to decode, all count with their longest length throughout.
 */
function peakFits(
  sequences: readonly SequenceView[],
  budgetBytes: number,
  { tokenBudget, bytesFor }: SchedulerLimits,
): boolean {
  let whole = 0;
  for (const { longest } of sequences) whole += bytesFor(longest);
  if (whole <= budgetBytes) return true;
  const promptTokens = tokenBudget - sequences.length;
  if (promptTokens < 1) return false;
  let prompt = 0;
  const lives = [...sequences]
    .sort((a, b) => a.id - b.id)
    .map(({ tokens, computed, longest }) => {
      const own = tokens - computed > 1 ? tokens - computed : 0;
      prompt += own;
      const delay = own > 0 ? Math.ceil(prompt / promptTokens) : 0;
      return { tokens, longest, end: delay + Math.max(1, longest - tokens) };
    });
  const ends = [...new Set(lives.map(({ end }) => end))].sort((a, b) => a - b);
  const perMoment = Math.ceil(ends.length / mostMoments);
  for (let i = 0; i < ends.length; i += perMoment) {
    const first = ends[i]!;
    const last = ends[Math.min(i + perMoment, ends.length) - 1]!;
    let bytes = 0;
    for (const { tokens, longest, end } of lives)
      if (end >= first) bytes += bytesFor(Math.min(longest, tokens + last));
    if (bytes > budgetBytes) return false;
  }
  return true;
}
