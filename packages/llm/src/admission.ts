/**
 * @module
 * How much KV memory admitted sequences may come to need. A pure function, like the scheduler that asks it.
 */
import type { SchedulerLimits, SequenceView } from './scheduler.js';

/** So many moments are looked at: with more sequences, several ends are taken for one, on the safe side. */
const mostMoments = 64;

/**
 * The most bytes that these sequences can hold at one time, if each goes on to its longest length or ends before, and
 * none is admitted after them: an upper bound, whatever order prompts and decodes are computed in by `planStep`.
 *
 * A decoding sequence grows by a token a step and ends, at the latest, after `longest - tokens` steps; one whose prompt
 * is not computed does so after a delay, for which prompts before it (by age) and its own take what decodes leave of
 * the step's budget. In between it may have grown already or not yet: it counts as grown, and as there until its last
 * possible end. Sequences that decode in more than one step each, because a step's budget is too small for all, count
 * with their longest length throughout.
 */
export function peakBytes(
  sequences: readonly SequenceView[],
  { tokenBudget, bytesFor }: Pick<SchedulerLimits, 'tokenBudget' | 'bytesFor'>,
): number {
  const promptTokens = tokenBudget - sequences.length;
  if (promptTokens < 1) return sequences.reduce((sum, { longest }) => sum + bytesFor(longest), 0);
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
  let peak = 0;
  for (let i = 0; i < ends.length; i += perMoment) {
    const first = ends[i]!;
    const last = ends[Math.min(i + perMoment, ends.length) - 1]!;
    let bytes = 0;
    for (const { tokens, longest, end } of lives)
      if (end >= first) bytes += bytesFor(Math.min(longest, tokens + last));
    peak = Math.max(peak, bytes);
  }
  return peak;
}
