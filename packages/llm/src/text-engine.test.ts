import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { availableIsas, type IsaName } from '@triptych/native';
import { KvMemory } from '@triptych/vattention';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EngineError } from './errors.js';
import type { LoadProgress, TextEngineOptions } from './load-model.js';
import { generate, loadTiny, someTokens, tinyModel } from './testing.js';
import { TextEngine } from './text-engine.js';
import type { GenerateRequest } from './types.js';

const open: TextEngine[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});

async function load(name = 'q8_0', options: TextEngineOptions = {}): Promise<TextEngine> {
  const engine = await loadTiny(name, options);
  open.push(engine);
  return engine;
}

/** Logits as bits: equal means identical, not close. */
const bits = (values: Float32Array): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

const isas = availableIsas();
const bitCases = isas.flatMap((isa) =>
  (['q8_0', 'q4_0', 'f16', 'bf16', 'f32'] as const).map((type) => ({ isa, type })),
);
test.each(bitCases)(
  'logits do not change with chunks, threads, or company ($isa, $type)',
  async ({ isa, type }) => {
    // The whole context in one chunk, and in chunks of 16.
    const tokens = someTokens(512, 1);
    const alone = await (await load(type, { isa, threads: 1 })).debugLogits(tokens);
    expect(alone.some((value) => !Number.isFinite(value))).toBe(false);

    const chunked = await (await load(type, { isa, threads: 2, tokenBudget: 16 })).debugLogits(tokens);
    expect(bits(chunked).equals(bits(alone))).toBe(true);

    const crowded = await load(type, { isa, threads: 2, tokenBudget: 100 });
    const others = Array.from({ length: 16 }, (_, i) =>
      generate(crowded, {
        prompt: someTokens(20 + 7 * i, 10 + i),
        maxTokens: 30 + i,
        seed: i,
        ignoreEos: true,
      }),
    );
    const together = await crowded.debugLogits(tokens);
    expect(bits(together).equals(bits(alone))).toBe(true);
    await Promise.all(others);
  },
);

const kvTypes = ['f16', 'f32'] as const;
const decodeCases = bitCases.flatMap((item) => kvTypes.map((kvType) => ({ ...item, kvType })));
test.each(decodeCases)('decoded tokens have the logits of a prefill ($isa, $type, $kvType)', async (item) => {
  const { isa, type, kvType } = item;
  const engine = await load(type, { isa, kvType });
  const prompt = someTokens(37, 2);
  const rows: Float32Array[] = [];
  const { tokens } = await generate(
    engine,
    { prompt, maxTokens: 40, temperature: 1, seed: 5, ignoreEos: true },
    {
      tap: (row) => rows.push(row.slice()),
    },
  );
  const all = [...prompt, ...tokens];
  const prefill = await engine.debugLogits(all);
  const vocabulary = engine.info.vocabSize;
  expect(rows.length).toBe(40);
  for (const [i, row] of rows.entries()) {
    const at = (prompt.length - 1 + i) * vocabulary;
    expect(bits(row).equals(bits(prefill.subarray(at, at + vocabulary)))).toBe(true);
  }
});

test.each(['q8_0', 'f16'])('loading %s reports progress up to the whole file', async (type) => {
  const reports: LoadProgress[] = [];
  const engine = await load(type, { onProgress: (progress) => void reports.push(progress) });
  const loaded = reports.map(({ loadedBytes }) => loadedBytes);
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  expect(reports.at(-1)).toEqual({ loadedBytes: engine.info.fileBytes, totalBytes: engine.info.fileBytes });
});

test('greedy decoding takes the largest logit', async () => {
  const engine = await load();
  const picks: number[] = [];
  const { tokens } = await generate(
    engine,
    { prompt: someTokens(9, 3), maxTokens: 20, temperature: 0, ignoreEos: true },
    {
      tap: (row) => picks.push(row.indexOf(Math.max(...row))),
    },
  );
  expect(tokens).toEqual(picks);
});

test('a seed gives the same logits and text alone, in a crowd and after preemption', async () => {
  const requests: GenerateRequest[] = Array.from({ length: 12 }, (_, i) => ({
    prompt: someTokens(10 + 5 * i, 40 + i),
    maxTokens: 100,
    temperature: 1.2,
    seed: i,
    repetitionPenalty: 1.1,
    frequencyPenalty: 0.2,
    ignoreEos: true,
  }));
  /** What was generated, and the bits of the logits that each token was drawn from. */
  const run = async (engine: TextEngine, request: GenerateRequest) => {
    const logits = createHash('sha256');
    const generated = await generate(engine, request, { tap: (row) => logits.update(bits(row)) });
    return { ...generated, logits: logits.digest('hex') };
  };
  const roomy = await load();
  const expected = [];
  for (const request of requests) expected.push(await run(roomy, request));
  expect(new Set(expected.map(({ tokens }) => String(tokens))).size).toBe(requests.length);

  // Room for about four of the twelve at full length: memory runs short while they grow.
  const perToken = roomy.memory().bytesPerToken;
  const tight = await load('q8_0', { kvMemoryBytes: Math.max(perToken * 800, 600_000), contextLength: 256 });
  const results = await Promise.all(requests.map((request) => run(tight, request)));
  expect(results).toEqual(expected);
  expect(tight.stats().preemptionsTotal).toBeGreaterThan(0);
  // Admitted by what they may come to need, the same requests never take memory from each other.
  const careful = await load('q8_0', {
    kvMemoryBytes: tight.memory().budgetBytes,
    contextLength: 256,
    admission: 'longest',
  });
  expect(await Promise.all(requests.map((request) => run(careful, request)))).toEqual(expected);
  expect(careful.stats().preemptionsTotal).toBe(0);
  // What is computed again is not counted again.
  const promptTokens = results.reduce((sum, { usage }) => sum + usage.promptTokens, 0);
  expect(tight.stats().promptTokensTotal).toBe(promptTokens);
  const { committedBytes, budgetBytes } = tight.memory();
  expect(committedBytes).toBeLessThanOrEqual(budgetBytes);
});

describe('when the system refuses memory that the budget allows', () => {
  afterEach(() => vi.restoreAllMocks());
  type Step = (lengths: Int32Array, next?: Int32Array) => ReturnType<KvMemory['step']>;
  /** Refuses every step for which it is told to. */
  function refuse(when: (running: number) => boolean): void {
    const step: Step = KvMemory.prototype.step;
    vi.spyOn(KvMemory.prototype, 'step').mockImplementation(function (this: KvMemory, lengths, next) {
      if (when(lengths.filter((length) => length > 0).length))
        return { deficitBytes: 4096, reason: 'system' as const };
      return step.call(this, lengths, next);
    });
  }
  const requests = [1, 2, 3].map(
    (seed): GenerateRequest => ({
      prompt: someTokens(12, seed),
      maxTokens: 20,
      temperature: 1,
      seed,
      ignoreEos: true,
    }),
  );

  test('all but one give way and come back later, with the same text', async () => {
    const engine = await load();
    const wanted = [];
    for (const request of requests) wanted.push((await generate(engine, request)).tokens);
    refuse((running) => running > 1);
    const results = await Promise.all(requests.map((request) => generate(engine, request)));
    expect(results.map(({ tokens }) => tokens)).toEqual(wanted);
    expect(engine.stats().preemptionsTotal).toBeGreaterThan(0);
  });

  test('the last one waits for it, and timers go on', async () => {
    const engine = await load();
    const [request = { prompt: '' }] = requests;
    const { tokens } = await generate(engine, request);
    let isShort = true;
    refuse(() => isShort);
    setTimeout(() => {
      isShort = false;
    }, 120);
    expect((await generate(engine, request)).tokens).toEqual(tokens);
  });

  test('its patience ends with an error, an abort ends it before, and the engine goes on', async () => {
    const engine = await load('q8_0', { memoryPatienceMs: 200 });
    const [request = { prompt: '' }] = requests;
    let isShort = true;
    refuse(() => isShort);
    const signal = AbortSignal.timeout(60);
    await expect(generate(engine, request, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(generate(engine, request)).rejects.toMatchObject({ code: 'out_of_memory' });
    isShort = false;
    expect((await generate(engine, request)).tokens).toHaveLength(20);
  });
});

test('ends at the length, with usage', async () => {
  const engine = await load();
  const result = await generate(engine, { prompt: someTokens(5, 1), maxTokens: 7, ignoreEos: true });
  expect(result.reason).toBe('length');
  expect(result.tokens.length).toBe(7);
  expect(result.usage).toEqual({ promptTokens: 5, completionTokens: 7 });
});

test('ends where the context does', async () => {
  const engine = await load('q8_0', { contextLength: 32 });
  const result = await generate(engine, { prompt: someTokens(20, 1), ignoreEos: true });
  expect(result.usage.completionTokens).toBe(12);
  await expect(generate(engine, { prompt: someTokens(32, 1) })).rejects.toMatchObject({
    code: 'prompt_too_long',
    field: 'prompt',
  });
});

test('a longer context is advised only where there is one', async () => {
  const short = await load('q8_0', { contextLength: 32 });
  const whole = await load('q8_0');
  const { contextLength } = whole.info;
  for (const prompt of [someTokens(contextLength, 1), 'a'.repeat(4 << 20)]) {
    await expect(generate(short, { prompt })).rejects.toThrow(/: shorten the prompt or .* a longer context$/);
    await expect(generate(whole, { prompt })).rejects.toThrow(/: shorten the prompt$/);
  }
});

test('a text that cannot fit is refused before it is tokenized', async () => {
  const engine = await load('q8_0', { contextLength: 32 });
  const refused = generate(engine, { prompt: 'a'.repeat(4 << 20) });
  await expect(refused).rejects.toMatchObject({
    code: 'prompt_too_long',
    field: 'prompt',
    message: expect.stringContaining('characters'),
  });
  await expect(loadTiny('q8_0', { contextLength: 1 << 20 })).rejects.toMatchObject({
    field: 'contextLength',
  });
});

test('stop strings end the text before them', async () => {
  const engine = await load();
  const request = { prompt: someTokens(5, 1), maxTokens: 40, temperature: 1, seed: 3, ignoreEos: true };
  const { text } = await generate(engine, request);
  const stop = text.slice(10, 13);
  const stopped = await generate(engine, { ...request, stop: ['never there', stop] });
  expect(stopped.reason).toBe('stop');
  expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
});

test('an abort ends within one step, in prefill too', async () => {
  const engine = await load('q8_0', { tokenBudget: 4 });
  const controller = new AbortController();
  const iterator = engine.generate(
    { prompt: someTokens(200, 1), maxTokens: 10 },
    { signal: controller.signal },
  );
  expect(await iterator.next()).toMatchObject({ value: { type: 'start', promptTokens: 200 } });
  const before = engine.stats().stepsTotal;
  controller.abort(new Error('enough'));
  await expect(iterator.next()).rejects.toThrow('enough');
  // Whatever comes next finds the engine free: the 50 steps of that prompt are not run.
  await generate(engine, { prompt: someTokens(4, 2), maxTokens: 1 });
  expect(engine.stats().stepsTotal - before).toBeLessThanOrEqual(3);
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, finishedTotal: { abort: 1 } });
});

test('any number of requests may share a signal, and none keeps listening', async () => {
  const engine = await load();
  const { signal } = new AbortController();
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const request = { prompt: [5, 6, 7], maxTokens: 1, ignoreEos: true };
  await Promise.all(Array.from({ length: 12 }, () => generate(engine, request, { signal })));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  expect(warnings).toEqual([]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('top-p 0 keeps the likeliest token alone', async () => {
  const engine = await load();
  const request = { prompt: someTokens(5, 1), maxTokens: 20, ignoreEos: true };
  const greedy = await generate(engine, { ...request, temperature: 0 });
  expect((await generate(engine, { ...request, temperature: 2, topP: 0, seed: 1 })).text).toBe(greedy.text);
});

test('requests that follow each other at once all run', async () => {
  const engine = await load();
  for (let i = 0; i < 200; i++) {
    const { usage } = await generate(engine, { prompt: [5, 6, 7], maxTokens: 1, seed: i, ignoreEos: true });
    expect(usage.completionTokens).toBe(1);
  }
});

test('a tap that throws ends its own request alone', async () => {
  const engine = await load();
  const request = { prompt: someTokens(5, 1), maxTokens: 20, ignoreEos: true };
  const other = generate(engine, request);
  const tap = () => {
    throw new Error('mine');
  };
  await expect(generate(engine, request, { tap })).rejects.toThrow('mine');
  expect((await other).usage.completionTokens).toBe(20);
  expect(engine.stats().finishedTotal).toMatchObject({ error: 1, length: 1 });
});

test('leaving the iteration cancels', async () => {
  const engine = await load();
  for await (const event of engine.generate({ prompt: someTokens(5, 1), ignoreEos: true })) {
    if (event.type === 'text') break;
  }
  await generate(engine, { prompt: someTokens(5, 1), maxTokens: 1 });
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, finishedTotal: { abort: 1 } });
});

test('an aborted signal starts nothing', async () => {
  const engine = await load();
  await expect(
    generate(engine, { prompt: 'x' }, { signal: AbortSignal.abort(new Error('no')) }),
  ).rejects.toThrow('no');
  expect(engine.stats().stepsTotal).toBe(0);
});

test.each([
  [{ prompt: [] }, 'prompt'],
  [{ prompt: [1, 2, 1e9] }, 'prompt'],
  [{ prompt: [1.5] }, 'prompt'],
  [{}, 'prompt'],
  [{ prompt: 'a', messages: [] }, 'prompt'],
  [{ prompt: 'a', temperature: -1 }, 'temperature'],
  [{ prompt: 'a', temperature: Number.NaN }, 'temperature'],
  [{ prompt: 'a', topP: -0.1 }, 'topP'],
  [{ prompt: 'a', topK: 1.5 }, 'topK'],
  [{ prompt: 'a', seed: -1 }, 'seed'],
  [{ prompt: 'a', maxTokens: 0 }, 'maxTokens'],
  [{ prompt: 'a', stop: Array.from({ length: 17 }, String) }, 'stop'],
  [{ prompt: 'a', stop: 'END' as unknown as string[] }, 'stop'],
  [{ prompt: 5 as unknown as string }, 'prompt'],
] satisfies [GenerateRequest, string][])('refuses %j and names the field', async (request, field) => {
  const engine = await load();
  await expect(generate(engine, request)).rejects.toMatchObject({ code: 'invalid_request', field });
});

test('messages without a template are refused', async () => {
  const engine = await load();
  expect(engine.info.hasChatTemplate).toBe(false);
  await expect(generate(engine, { messages: [{ role: 'user', content: 'hi' }] })).rejects.toMatchObject({
    code: 'no_chat_template',
  });
});

test('a full queue and a closed engine say so', async () => {
  const engine = await load('q8_0', { maxWaiting: 1, maxSequences: 1 });
  const first = generate(engine, { prompt: someTokens(5, 1), ignoreEos: true });
  const second = generate(engine, { prompt: 'b' });
  await expect(second).rejects.toMatchObject({ code: 'overloaded' });
  const ended = expect(first).rejects.toMatchObject({ code: 'closed' });
  await engine.close();
  await ended;
  await expect(generate(engine, { prompt: 'c' })).rejects.toMatchObject({ code: 'closed' });
});

test('close waits for running requests until the deadline', async () => {
  const engine = await load();
  const running = generate(engine, { prompt: someTokens(5, 1), maxTokens: 30, ignoreEos: true });
  await new Promise((resolve) => setImmediate(resolve));
  await engine.close({ deadlineMs: 30_000 });
  expect((await running).usage.completionTokens).toBe(30);
});

const guardCases = isas.flatMap((isa) => (['f16', 'f32'] as const).map((kvType) => ({ isa, kvType })));
test.each(guardCases)(
  'memory beyond a sequence is never touched ($isa, $kvType)',
  async ({ isa, kvType }) => {
    // Room for two or three of the five: preempted ones come back to slots that others left.
    const bytes = (await load('f16', { kvType })).memory().bytesPerToken;
    const guarded = await load('f16', {
      guard: true,
      isa,
      kvType,
      contextLength: 256,
      kvMemoryBytes: bytes * 520,
    });
    const results = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        generate(guarded, { prompt: someTokens(17 + 40 * i, i), maxTokens: 50, ignoreEos: true }),
      ),
    );
    for (const { usage } of results) expect(usage.completionTokens).toBe(50);
  },
);

test('an idle engine gives all KV memory back', async () => {
  const engine = await load();
  await generate(engine, { prompt: someTokens(100, 1), maxTokens: 20, ignoreEos: true });
  expect(engine.memory().residentBytes).toBeGreaterThan(0);
  await expect.poll(() => engine.memory().residentBytes, { timeout: 10_000 }).toBe(0);
});

test.each(['anonymous', 'memfd'] as const)('runs on %s memory', async (kvBacking) => {
  const engine = await load('f32', { kvBacking, kvType: 'f32' });
  const { usage } = await generate(engine, { prompt: someTokens(100, 1), maxTokens: 20, ignoreEos: true });
  expect(usage.completionTokens).toBe(20);
  expect(engine.memory()).toMatchObject({ backing: kvBacking });
});

test('a model that is not there, or no model, is a typed error', async () => {
  await expect(TextEngine.load('/nonexistent.gguf')).rejects.toMatchObject({ code: expect.any(String) });
  await expect(TextEngine.load(import.meta.filename)).rejects.toMatchObject({ code: expect.any(String) });
  await expect(loadTiny('q8_0', { kvMemoryBytes: 1000 })).rejects.toMatchObject({ code: 'out_of_memory' });
  await expect(loadTiny('q8_0', { threads: 0 })).rejects.toBeInstanceOf(EngineError);
  const invalid = (field: string) => ({ code: 'invalid_request', field });
  await expect(loadTiny('q8_0', { maxWaiting: Number.NaN })).rejects.toMatchObject(invalid('maxWaiting'));
  await expect(loadTiny('q8_0', { isa: 'abacus' as IsaName })).rejects.toMatchObject(invalid('isa'));
  await expect(loadTiny('q8_0', { kvType: 'f8' as 'f16' })).rejects.toMatchObject(invalid('kvType'));
  const failing = () => {
    throw new Error('mine');
  };
  await expect(loadTiny('q8_0', { onProgress: failing })).rejects.toThrow('mine');
  await expect(
    TextEngine.load(tinyModel('q8_0'), { signal: AbortSignal.abort(new Error('stop')) }),
  ).rejects.toThrow('stop');
});

test('a short KV memory shortens the context instead of failing', async () => {
  const engine = await load('q8_0', { kvMemoryBytes: 300_000 });
  expect(engine.info.contextLength).toBeGreaterThanOrEqual(16);
  const { bytesPerToken } = engine.memory();
  expect(engine.info.contextLength * bytesPerToken).toBeLessThanOrEqual(300_000);
});
