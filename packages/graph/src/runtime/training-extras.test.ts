import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportOnnx,
  GraphError,
  GraphRuntime,
  input,
  linear,
  loadCheckpoint,
  matmul,
  mul,
  type Parameters,
  parameter,
  Random,
  saveCheckpoint,
  scale,
  sub,
  sumAll,
  type TrainingOptions,
  type TrainingSession,
} from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keptShare } from '../train/ema.js';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
});
afterAll(() => runtime.close());

/** Least squares: x [rows, 3] times w [2, 3] transposed against y [rows, 2], mean over the rows. */
async function start(
  rows: number,
  options: Partial<TrainingOptions> = {},
  initial: Float32Array = Float32Array.of(1, -1, 0.5, 2, 0, -0.25),
): Promise<{ session: TrainingSession; parameters: Parameters }> {
  const w = parameter('w', [2, 3]);
  const error = sub(linear(input('x', [rows, 3]), w), input('y', [rows, 2]));
  const parameters = await runtime.createParameters({ w: initial.slice() });
  const session = await runtime.createTraining({
    loss: scale(sumAll(mul(error, error)), 1 / rows),
    trainable: new Map([['w', w]]),
    parameters,
    ...options,
  });
  return { session, parameters };
}

function batch(seed: number, rows: number): { x: Float32Array; y: Float32Array } {
  const random = new Random(seed);
  const normals = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  return { x: normals(rows * 3), y: normals(rows * 2) };
}

const join2 = (a: Float32Array, b: Float32Array): Float32Array => Float32Array.of(...a, ...b);

describe('gradient accumulation', () => {
  it('equals one step on the joined batch', async () => {
    const [a, b] = [batch(1, 4), batch(2, 4)];
    const parts = await start(4);
    const whole = await start(8);
    const inParts = await parts.session.step([a, b], 0.1);
    const atOnce = await whole.session.step({ x: join2(a.x, b.x), y: join2(a.y, b.y) }, 0.1);
    expect(inParts.loss).toBeCloseTo(atOnce.loss, 5);
    expect(inParts.gradientNorm).toBeCloseTo(atOnce.gradientNorm, 4);
    const [w, wanted] = [(await parts.parameters.read()).w, (await whole.parameters.read()).w];
    w?.forEach((value, k) => {
      expect(value).toBeCloseTo(wanted?.[k] ?? Number.NaN, 5);
    });
    expect((await parts.session.readMoments()).step).toBe(1);
  });

  it('refuses an empty list', async () => {
    const { session } = await start(4);
    await expect(session.step([], 0.1)).rejects.toMatchObject({ code: 'missing_feed' });
  });
});

describe('running average', () => {
  it('follows its definition, and a model can be run with it', async () => {
    const { session, parameters } = await start(4, { average: { decay: 0.5, isWarmedUp: false } });
    const expected = (await parameters.read()).w ?? new Float32Array();
    for (let step = 1; step <= 3; step++) {
      await session.step(batch(step, 4), 0.05);
      (await parameters.read()).w?.forEach((value, k) => {
        expected[k] = 0.5 * (expected[k] ?? 0) + 0.5 * value;
      });
    }
    const averages = session.averages as Parameters;
    (await averages.read()).w?.forEach((value, k) => {
      expect(value).toBeCloseTo(expected[k] ?? Number.NaN, 6);
    });
    const model = await runtime.load(
      exportOnnx({ y: matmul(input('x', [1, 3]), parameter('w', [2, 3]), { transposeB: true }) }),
    );
    const { y } = await model.run({ x: Float32Array.of(1, 0, 0) }, averages);
    expect(y?.[1]).toBeCloseTo(expected[3] ?? Number.NaN, 6);
  });

  it('keeps little at first', () => {
    const options = { decay: 0.999, isWarmedUp: true };
    expect(keptShare(1, options)).toBeCloseTo(2 / 11);
    expect(keptShare(100_000, options)).toBe(0.999);
  });

  it('refuses a decay of 1', async () => {
    await expect(start(4, { average: { decay: 1 } })).rejects.toMatchObject({ code: 'invalid_attribute' });
  });

  it('is not moved by a step that is not finite', async () => {
    const { session } = await start(4, { average: {} });
    const before = await session.averages?.read();
    await session.step({ ...batch(1, 4), x: new Float32Array(12).fill(Number.NaN) }, 0.1);
    expect(await session.averages?.read()).toEqual(before);
  });

  it('goes on with the same bits after a checkpoint', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'triptych-average-'));
    const path = join(folder, 'checkpoint.safetensors');
    const whole = await start(4, { average: { decay: 0.9 } });
    for (let step = 1; step <= 6; step++) await whole.session.step(batch(step, 4), 0.05);

    const early = await start(4, { average: { decay: 0.9 } });
    for (let step = 1; step <= 3; step++) await early.session.step(batch(step, 4), 0.05);
    await saveCheckpoint(
      path,
      {
        parameters: await early.parameters.read(),
        moments: await early.session.readMoments(),
        averages: await early.session.averages?.read(),
        metadata: {},
      },
      new Map([['w', [2, 3]]]),
    );
    const loaded = await loadCheckpoint(path);
    const late = await start(4, { average: { decay: 0.9 } }, loaded.parameters.w);
    await late.session.writeMoments(loaded.moments);
    await late.session.averages?.write(loaded.averages ?? {});
    for (let step = 4; step <= 6; step++) await late.session.step(batch(step, 4), 0.05);

    expect(await late.parameters.read()).toEqual(await whole.parameters.read());
    expect(await late.session.averages?.read()).toEqual(await whole.session.averages?.read());
    await expect(late.session.averages?.write({})).rejects.toMatchObject({ code: 'checkpoint_mismatch' });
    await rm(folder, { recursive: true });
  });
});

describe('optimizer state', () => {
  it('is restored as a whole or not at all', async () => {
    const { session } = await start(4);
    await session.step(batch(1, 4), 0.05);
    const before = await session.readMoments();
    const half = { step: 9, first: { w: new Float32Array(6) }, second: {} };
    await expect(session.writeMoments(half)).rejects.toMatchObject({ code: 'checkpoint_mismatch' });
    expect(await session.readMoments()).toEqual(before);
  });

  it('cannot meet a parameter of its name in a checkpoint', async () => {
    const w = new Float32Array(1);
    const moments = { step: 0, first: { 'average.w': w }, second: { 'average.w': w } };
    const saved = saveCheckpoint(
      join(tmpdir(), 'triptych-never.safetensors'),
      { parameters: { 'average.w': w }, moments, metadata: {} },
      new Map([['average.w', [1]]]),
    );
    await expect(saved).rejects.toThrow(/must not begin with "average\.", as "average\.w" does/);
  });
});

describe('cancelling', () => {
  it('rejects at once with the reason of a signal that has aborted', async () => {
    const { session } = await start(4);
    const reason = new Error('enough');
    await expect(session.step(batch(1, 4), 0.1, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('drops what still waits, and a step between its batches, without changing anything', async () => {
    const { session, parameters } = await start(4);
    const before = await parameters.read();
    const abort = new AbortController();
    const size = 900;
    const a = input('a', [size, size]);
    const slow = await runtime.load(exportOnnx({ y: matmul(matmul(matmul(a, a), a), a) }));
    // The worker is busy with the first run when the others are cancelled.
    const first = slow.run({ a: new Float32Array(size * size) });
    const second = slow.run({ a: new Float32Array(size * size) }, undefined, abort.signal);
    const step = session.step([batch(1, 4), batch(2, 4)], 0.1, abort.signal);
    abort.abort();
    const results = await Promise.allSettled([first, second, step]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect((results[1] as PromiseRejectedResult).reason).toBe(abort.signal.reason);
    expect(await parameters.read()).toEqual(before);
    // The worker goes on.
    expect((await session.step(batch(1, 4), 0.1)).loss).toBeGreaterThan(0);
  });

  it('leaves errors of another kind as they are', async () => {
    const { session } = await start(4);
    const failure = session.step({}, 0.1, new AbortController().signal);
    await expect(failure).rejects.toBeInstanceOf(GraphError);
  });
});
