/** How many sequences run together in a given memory: every sequence played to its end over real memory. */
import { bytesFor, kvGeometry } from '@triptych/vattention';
import { mix, open, shape } from './kv-mix.mjs';

/** The most bytes that sequences of {length, total} will hold at one time if each grows by a token a step and ends. */
function peakBytes(memory, sequences) {
  const ends = [...new Set(sequences.map(({ length, total }) => total - length))];
  const bytesIn = (steps) =>
    sequences.reduce(
      (sum, { length, total }) => (total - length < steps ? sum : sum + memory.bytesFor(length + steps)),
      0,
    );
  return Math.max(0, ...ends.map(bytesIn));
}

/** Admission that knows what each request may become (its prompt and maxTokens), as a server does. */
function projected(memory, running, candidate) {
  return peakBytes(memory, [...running, candidate]) <= memory.budgetBytes;
}

/** Admission that only knows what is needed next: fits now, and not more than `cap` at a time. */
const capped = (cap) => (memory, running, candidate) => {
  const now = [...running, candidate].reduce((sum, { length }) => sum + memory.bytesFor(length + 1), 0);
  return running.length < cap && now <= memory.budgetBytes;
};

/**
 * Plays sequences to their ends over real memory, admitting them in order while `admits` agrees. Returns the most that
 * ran together, or undefined as soon as one would have had to be preempted.
 */
function play(sequences, budgetBytes, admits) {
  const memory = open({ budgetBytes });
  try {
    const lengths = new Int32Array(shape.slots);
    const waiting = sequences.map(({ prompt, total }) => ({ length: prompt, total }));
    const running = new Map();
    let most = 0;
    while (waiting.length > 0 || running.size > 0) {
      for (const [slot, sequence] of running) lengths[slot] = ++sequence.length;
      while (
        waiting.length > 0 &&
        running.size < shape.slots &&
        admits(memory, [...running.values()], waiting[0])
      ) {
        const sequence = waiting.shift();
        const slot = memory.acquire(sequence.length);
        running.set(slot, sequence);
        lengths[slot] = sequence.length;
      }
      if (memory.step(lengths).deficitBytes > 0) return undefined;
      most = Math.max(most, running.size);
      for (const [slot, { length, total }] of running) {
        if (length < total) continue;
        memory.release(slot);
        running.delete(slot);
        lengths[slot] = 0;
      }
    }
    return most;
  } finally {
    memory.dispose();
  }
}

/** The most sequences that ran together in a whole run without one preemption. */
export function admitted({ row, quick, signal }) {
  const budgetBytes = 2 ** 30;
  const sequences = mix(shape.slots);
  const against = Math.floor(budgetBytes / bytesFor(kvGeometry(shape), shape.maxTokens));
  const limit = 'static reservation of 4096 tokens each; a whole run without preemption';
  row({
    name: 'kv/admitted/1GiB',
    value: play(sequences, budgetBytes, projected) ?? 0,
    unit: 'sequences',
    against,
    limit: `${limit}, admission knows each request's longest length`,
  });
  if (quick) return;
  let [low, high] = [against, shape.slots + 1]; // static reservation would do; is more possible?
  while (high - low > 1) {
    signal.throwIfAborted();
    const cap = (low + high) >> 1;
    if (play(sequences, budgetBytes, capped(cap)) === undefined) high = cap;
    else low = cap;
  }
  row({
    name: 'kv/admitted/1GiB/blind',
    value: low,
    unit: 'sequences',
    against,
    limit: `${limit}, admission knows nothing but a cap (the best one)`,
  });
}
