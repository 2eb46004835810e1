/**
 * The KV memory alone, at the 1.1B model's shape (22 layers, 4 KV heads of 64, f16: 22 KiB a token), under a mix of 64
 * sequences whose total length is log-uniform in 128..4096. Half of each sequence is its prompt. Memory is real: what
 * is called resident is what the system says the memory file holds.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TextEngine } from '@triptych/llm';
import { admitted } from './kv-admission.mjs';
import { mix, open, shape, shortest, uniform } from './kv-mix.mjs';
import { quantile } from './statistics.mjs';

/** Every sequence half way through its decode at the same moment; resident bytes against bytes needed. */
function residentOverNeeded({ row }) {
  const sequences = mix(shape.slots);
  const memory = open({});
  const lengths = new Int32Array(shape.slots);
  const middle = Math.max(...sequences.map(({ prompt, total }) => Math.floor((total - prompt) / 2)));
  const samples = [];
  const slots = sequences.map(() => undefined);
  for (let step = 0; step < middle + shortest / 8; step++) {
    for (const [i, { prompt, total }] of sequences.entries()) {
      const start = middle - Math.floor((total - prompt) / 2);
      if (step === start) slots[i] = memory.acquire(prompt);
      if (step >= start) lengths[slots[i]] = prompt + step - start;
    }
    memory.step(lengths);
    if (step < middle) continue;
    memory.flush(); // the look-ahead under way counts
    samples.push(memory.snapshot());
  }
  const worst = samples.reduce((a, b) =>
    b.residentBytes / b.neededBytes > a.residentBytes / a.neededBytes ? b : a,
  );
  row({
    name: 'kv/resident-over-needed/64seq',
    value: worst.residentBytes / 2 ** 20,
    unit: 'MiB',
    against: worst.neededBytes / 2 ** 20,
    limit: `bytes needed, worst of ${samples.length} steps in mid-decode`,
  });
  return memory;
}

/** The file blocks left after all of a burst have finished. */
function afterBurst({ row }, memory) {
  const before = memory.snapshot();
  for (const { slot, state } of before.slots) if (state === 'active') memory.release(slot);
  memory.trim();
  memory.flush();
  const { residentBytes } = memory.snapshot();
  row({
    name: 'kv/after-burst',
    value: residentBytes / 512,
    unit: 'blocks',
    limit: `file blocks left of ${before.residentBytes / 512}`,
  });
  memory.dispose();
}

/** What step() costs while 64 sequences decode with `intervalMs` from step to step. */
async function stepMicroseconds(memory, { steps, intervalMs, signal }) {
  const random = uniform(7);
  const lengths = new Int32Array(memory.geometry.slots);
  for (let i = 0; i < shape.slots; i++) lengths[memory.acquire()] = 64 + Math.floor(random() * 1024);
  memory.step(lengths);
  memory.flush();
  const before = memory.counters();
  const times = [];
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    await sleep(intervalMs);
    for (let slot = 0; slot < lengths.length; slot++) if (lengths[slot] > 0) lengths[slot]++;
    const start = performance.now();
    memory.step(lengths);
    times.push((performance.now() - start) * 1000);
  }
  const after = memory.counters();
  return { times, commits: after.commitsNow - before.commitsNow, waits: after.waits - before.waits };
}

/**
 * kv/step-share: milliseconds that a decode step of the engine spends in `step()` before the kernels may start, against
 * all of the step, kernels and `step()` together. The 1.1B model in Q8_0, 16 sequences.
 */
async function stepShare({ row, quick, signal }) {
  const file = path.join(import.meta.dirname, 'models', 'random-1.1b-q8_0.gguf');
  if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run bench:setup\` first`);
  const engine = await TextEngine.load(file, { signal });
  try {
    const sequences = 16;
    const tokens = quick ? 48 : 160;
    const prompts = Array.from({ length: sequences }, (_, i) =>
      Array.from({ length: 32 }, (_, t) => 300 + 37 * i + t),
    );
    let started = 0;
    let before;
    let after;
    await Promise.all(
      prompts.map(async (prompt) => {
        for await (const event of engine.generate(
          { prompt, maxTokens: tokens, temperature: 0, ignoreEos: true },
          { signal },
        )) {
          // From the moment that all decode until the first of them ends.
          if (event.type === 'start' && ++started === sequences) before = engine.stats();
          if (event.type === 'finish') after ??= engine.stats();
        }
      }),
    );
    const kvMs = after.kvStepMsTotal - before.kvStepMsTotal;
    const kernelMs = after.stepMsTotal - before.stepMsTotal;
    const steps = after.stepsTotal - before.stepsTotal;
    row({
      name: 'kv/step-share',
      value: kvMs / steps,
      unit: 'ms',
      against: (kvMs + kernelMs) / steps,
      limit: `a whole decode step, mean of ${steps}, ${sequences} sequences`,
    });
  } finally {
    await engine.close();
  }
}

/** The table behind the defaults of look-ahead and page group. */
async function stepTable({ row, quick, signal }) {
  for (const pageGroupBytes of quick ? [4096] : [4096, 16_384, 65_536, 2 ** 21]) {
    for (const lookAheadTokens of quick ? [0, 8] : [0, 4, 8, 16, 32, 64]) {
      const memory = open({ pageGroupBytes, lookAheadTokens });
      const { times, commits, waits } = await stepMicroseconds(memory, {
        steps: quick ? 64 : 160,
        intervalMs: 8,
        signal,
      });
      memory.flush();
      const { residentBytes, neededBytes } = memory.snapshot();
      memory.dispose();
      row({
        name: `kv/step/${pageGroupBytes / 1024}KiB/ahead${lookAheadTokens}`,
        value: times.reduce((sum, time) => sum + time, 0) / times.length,
        unit: 'us',
        p99Microseconds: quantile(times, 0.99),
        commitsOnCriticalPath: commits,
        waits,
        residentOverNeeded: residentBytes / neededBytes,
        limit: `p99 ${quantile(times, 0.99).toFixed(0)} us, ${commits} commits and ${waits} waits in ${times.length} steps, resident/needed ${(residentBytes / neededBytes).toFixed(3)}`,
      });
    }
  }
}

/** What a prompt of 1024 tokens pays for its memory: fresh, from a slot that kept its memory, from an eager slot. */
function promptTable({ row, quick }) {
  const tokens = 1024;
  const ways = {
    fresh: { deferredReclaim: false },
    deferred: { deferredReclaim: true },
    eager: { deferredReclaim: false, eagerTokens: tokens },
  };
  for (const [way, options] of Object.entries(ways)) {
    const memory = open({ slots: 4, ...options });
    const lengths = new Int32Array(4);
    const bytes = new Uint8Array(tokens * memory.geometry.rowBytes);
    const samples = { step: [], touch: [], release: [] };
    for (let round = 0; round < (quick ? 5 : 15); round++) {
      memory.step(lengths); // lets an eager slot be prepared
      memory.flush();
      const slot = memory.acquire(tokens);
      lengths[slot] = tokens;
      let start = performance.now();
      memory.step(lengths);
      samples.step.push(performance.now() - start);
      start = performance.now();
      for (let tensor = 0; tensor < memory.geometry.tensors; tensor++) {
        memory.arena.write(slot * memory.slotBytes + tensor * memory.tensorBytes, bytes);
      }
      samples.touch.push(performance.now() - start);
      start = performance.now();
      memory.release(slot);
      memory.flush();
      samples.release.push(performance.now() - start);
      lengths[slot] = 0;
    }
    memory.dispose();
    // The first round is fresh in every way.
    const [step, touch, release] = Object.values(samples).map((times) => quantile(times.slice(1), 0.5));
    row({
      name: `kv/prompt1024/${way}`,
      value: step + touch,
      unit: 'ms',
      stepMs: step,
      firstWriteMs: touch,
      backgroundReleaseMs: release,
      limit: `step ${step.toFixed(2)} ms, first write ${touch.toFixed(2)} ms; release in the background ${release.toFixed(2)} ms`,
    });
  }
}

/** @param {{row: Function, only?: string, quick?: boolean, signal?: AbortSignal}} bench */
export async function run({ row, only, quick = false, signal = new AbortController().signal }) {
  const wanted = (name) => only === undefined || name.includes(only);
  const bench = { row: (fields) => wanted(fields.name) && row(fields), quick, signal };
  if (wanted('kv/resident-over-needed/64seq') || wanted('kv/after-burst')) {
    afterBurst(bench, residentOverNeeded(bench));
  }
  if (wanted('kv/admitted/1GiB')) admitted(bench);
  if (wanted('kv/prompt1024')) promptTable(bench);
  if (wanted('kv/step-share')) await stepShare(bench);
  if (wanted('kv/step/')) await stepTable(bench);
}
