import { expect, test } from 'vitest';
import { loadModel } from './load-model.js';
import { resolveSampling } from './request.js';
import { Sequence } from './sequence.js';
import { buildBatch } from './step-batch.js';
import { someTokens, tinyModel } from './testing.js';

test('timers go on while a step is open', async () => {
  const model = await loadModel(tinyModel('f32'), { kvMemoryBytes: 64 << 20, threads: 2 });
  try {
    const slot = model.kv.acquire(10);
    expect(slot).toBeDefined();
    const lengths = new Int32Array(model.maxSequences);
    lengths[slot as number] = 10;
    expect(model.kv.step(lengths).deficitBytes).toBe(0);
    const sequence = new Sequence({
      id: 1,
      prompt: someTokens(10, 1),
      maxTokens: 1,
      sampling: resolveSampling({ temperature: 0, seed: 0 }),
      stops: [],
      isEnd: () => false,
      decoder: model.tokenizer.streamDecoder(),
    });
    const { batch } = buildBatch([
      { sequence, count: 10, slotOffset: (slot as number) * model.kv.slotBytes },
    ]);

    // The step waits for `hold`, which only a timer sets: were the event loop blocked, this would never end.
    const hold = new Int32Array(new SharedArrayBuffer(4));
    let settled = false;
    const step = model.program.run({ ...batch, hold }).finally(() => {
      settled = true;
    });
    for (let tick = 0; tick < 20; tick++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(settled).toBe(false);
    await expect(model.program.run(batch)).rejects.toThrow('already running');
    Atomics.store(hold, 0, 1);
    expect((await step).tokens.length).toBe(1);
  } finally {
    model.program.close();
    model.kv.dispose();
  }
});

/** One token in the first slot, nothing sampled. */
const oneToken = {
  tokens: Int32Array.of(1),
  sequences: Float64Array.of(0, 0, 1),
  outputs: new Int32Array(0),
  sampling: new Float64Array(0),
  history: new Int32Array(0),
};

test('closing during a step settles it', async () => {
  const model = await loadModel(tinyModel('f32'), { kvMemoryBytes: 64 << 20, threads: 1 });
  const batch = { ...oneToken, hold: new Int32Array(new SharedArrayBuffer(4)) };
  const lengths = new Int32Array(model.maxSequences);
  lengths[model.kv.acquire(1) as number] = 1;
  model.kv.step(lengths);
  const step = model.program.run(batch);
  const ended = expect(step).rejects.toThrow('closed');
  model.program.close();
  await ended;
  await expect(model.program.run(batch)).rejects.toThrow('closed');
  model.kv.dispose();
});

test.each([
  ['tokens outside the vocabulary', { tokens: Int32Array.of(1_000_000) }],
  ['rows beyond the slot', { sequences: Float64Array.of(0, 1e9, 1) }],
  ['a slot outside the arena', { sequences: Float64Array.of(2 ** 52, 0, 1) }],
  ['outputs that are no rows', { outputs: Int32Array.of(3) }],
  ['a wrong array type', { tokens: Float32Array.of(1) as unknown as Int32Array }],
])('a batch with %s is refused before it runs', async (_name, part) => {
  const model = await loadModel(tinyModel('f32'), { kvMemoryBytes: 64 << 20, threads: 1 });
  await expect(model.program.run({ ...oneToken, ...part })).rejects.toThrow('batch:');
  model.program.close();
  model.kv.dispose();
});
