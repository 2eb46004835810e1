/**
 * @module
 * Writes a step plan into the flat arrays a native program takes.
 */
import { type StepBatch, samplingFields } from '@triptych/native';
import type { Sequence } from './sequence.js';

/** A sequence and how many of its next tokens run in this step. */
export interface BatchWork {
  readonly sequence: Sequence;
  readonly count: number;
  /** Byte offset of the sequence's slot in the arena. */
  readonly slotOffset: number;
}

/** Which output row belongs to whom: a sampled token for `sequence`, computed at token index `position`. */
export interface BatchOutput {
  readonly sequence: Sequence;
  readonly position: number;
  /** The last row of a sequence that has no more known tokens: its sample is the next token. */
  readonly sampled: boolean;
}

/** Builds the batch: rows in the order of `work`, outputs for every row that is sampled or tapped. */
export function buildBatch(work: readonly BatchWork[]): {
  batch: StepBatch;
  outputs: readonly BatchOutput[];
} {
  const rows = work.reduce((sum, { count }) => sum + count, 0);
  const tokens = new Int32Array(rows);
  const sequences = new Float64Array(work.length * 3);
  const outputRows: number[] = [];
  const outputs: BatchOutput[] = [];
  let row = 0;
  for (const [index, { sequence, count, slotOffset }] of work.entries()) {
    sequences.set([slotOffset, sequence.computed, count], index * 3);
    for (let i = 0; i < count; i++) {
      const position = sequence.computed + i;
      tokens[row] = sequence.ids[position] ?? 0;
      const last = position === sequence.tokens - 1;
      const sampled = last && sequence.options.probe !== true;
      if (sampled || sequence.options.probe === true) {
        outputRows.push(row);
        outputs.push({ sequence, position, sampled });
      }
      row++;
    }
  }
  const { sampling, history } = samplingOf(outputs);
  return {
    batch: {
      tokens,
      sequences,
      outputs: Int32Array.from(outputRows),
      sampling,
      history,
      wantLogits: outputs.some(({ sequence }) => sequence.options.tap !== undefined),
    },
    outputs,
  };
}

function samplingOf(outputs: readonly BatchOutput[]): { sampling: Float64Array; history: Int32Array } {
  const sampling = new Float64Array(outputs.length * samplingFields.length);
  const history: (readonly number[])[] = [];
  for (const [index, { sequence, position, sampled }] of outputs.entries()) {
    const options = sequence.options.sampling;
    const recent =
      sampled && options.repetitionPenalty !== 1 && options.repetitionWindow > 0
        ? sequence.ids.slice(-options.repetitionWindow)
        : [];
    const counted = sampled && (options.presencePenalty !== 0 || options.frequencyPenalty !== 0);
    const generated = counted ? sequence.ids.slice(sequence.options.prompt.length) : [];
    history.push(recent, generated);
    const values = {
      temperature: sampled ? options.temperature : 0,
      topK: options.topK,
      topP: options.topP,
      minP: options.minP,
      repetitionPenalty: options.repetitionPenalty,
      presencePenalty: options.presencePenalty,
      frequencyPenalty: options.frequencyPenalty,
      seed: options.seed,
      // The draw depends on the seed and the token's index alone, so a recomputed sequence draws the same.
      position: position + 1,
      recentCount: recent.length,
      generatedCount: generated.length,
    } satisfies Record<(typeof samplingFields)[number], number>;
    for (const [field, name] of samplingFields.entries())
      sampling[index * samplingFields.length + field] = values[name];
  }
  // Joined, not spread: the generated tokens of a long context are more arguments than a call may have.
  return { sampling, history: Int32Array.from(history.flat()) };
}
