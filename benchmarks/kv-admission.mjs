/** How many sequences run together in a given memory: the engine's scheduler over real memory, without the computing. */
import { planStep } from '@triptych/llm';
import { bytesFor, kvGeometry } from '@triptych/vattention';
import { mix, open, shape } from './kv-mix.mjs';

const tokenBudget = 512;

/**
 * Plays sequences to their ends, step by step as the engine does. Returns the most that ran together, or undefined as
 * soon as one would have had to be preempted.
 */
function play(sequences, budgetBytes, { admission, maxSequences = shape.slots }) {
  const memory = open({ budgetBytes });
  try {
    const limits = { tokenBudget, maxSequences, admission, bytesFor: (tokens) => memory.bytesFor(tokens) };
    const lengths = new Int32Array(shape.slots);
    let waiting = sequences.map(({ prompt, total }, id) => ({
      id,
      tokens: prompt,
      computed: 0,
      longest: total,
    }));
    let running = [];
    let most = 0;
    while (waiting.length > 0 || running.length > 0) {
      const freeSlots = shape.slots - running.length;
      const { admit, work } = planStep({ running, waiting, freeSlots, budgetBytes }, limits);
      for (const sequence of waiting.slice(0, admit.length)) {
        sequence.slot = memory.acquire(sequence.tokens);
        running.push(sequence);
      }
      waiting = waiting.slice(admit.length);
      lengths.fill(0);
      const counts = new Map(work.map(({ id, count }) => [id, count]));
      for (const sequence of running) {
        sequence.computed += counts.get(sequence.id) ?? 0;
        lengths[sequence.slot] = sequence.computed;
      }
      if (memory.step(lengths).deficitBytes > 0) return undefined;
      most = Math.max(most, running.length);
      for (const sequence of running) if (sequence.computed === sequence.tokens) sequence.tokens++;
      for (const { slot } of running.filter(isFinished)) memory.release(slot);
      running = running.filter((sequence) => !isFinished(sequence));
    }
    return most;
  } finally {
    memory.dispose();
  }
}

const isFinished = ({ tokens, longest }) => tokens >= longest;

/** The most sequences that ran together in a whole run without one preemption. */
export function admitted({ row, quick, signal }) {
  const budgetBytes = 2 ** 30;
  const sequences = mix(shape.slots);
  const against = Math.floor(budgetBytes / bytesFor(kvGeometry(shape), shape.maxTokens));
  const limit = 'static reservation of 4096 tokens each; a whole run without preemption';
  row({
    name: 'kv/admitted/1GiB',
    value: play(sequences, budgetBytes, { admission: 'longest' }) ?? 0,
    unit: 'sequences',
    against,
    limit: `${limit}, the engine's scheduler with admission by longest lengths`,
  });
  if (quick) return;
  let [low, high] = [against, shape.slots + 1]; // static reservation would do; is more possible?
  while (high - low > 1) {
    signal.throwIfAborted();
    const cap = (low + high) >> 1;
    if (play(sequences, budgetBytes, { admission: 'known', maxSequences: cap }) === undefined) high = cap;
    else low = cap;
  }
  row({
    name: 'kv/admitted/1GiB/known',
    value: low,
    unit: 'sequences',
    against,
    limit: `${limit}, admission by known tokens under a cap (the best one)`,
  });
}
