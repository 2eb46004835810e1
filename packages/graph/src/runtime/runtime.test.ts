import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  crossEntropy,
  exportOnnx,
  GraphError,
  GraphRuntime,
  input,
  linear,
  loadCheckpoint,
  matmul,
  type Parameters,
  parameter,
  Random,
  reshape,
  saveCheckpoint,
  silu,
  type Tensor,
  type TrainingSession,
} from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 2 });
});
afterAll(() => runtime.close());

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof GraphError ? error.code : String(error);
  }
};

describe('sessions', () => {
  const doubled = (): Tensor => matmul(input('x', [2, 2]), parameter('w', [2, 2]));

  it('takes parameters from the worker and inputs from the caller', async () => {
    const parameters = await runtime.createParameters({ w: Float32Array.of(1, 2, 3, 4) });
    const session = await runtime.load(exportOnnx({ y: doubled() }));
    const { y } = await session.run({ x: Float32Array.of(1, 0, 0, 2) }, parameters);
    expect([...(y ?? [])]).toEqual([1, 2, 6, 8]);
  });

  it('names what is missing or of the wrong size', async () => {
    const session = await runtime.load(exportOnnx({ y: doubled() }));
    const x = Float32Array.of(1, 0, 0, 2);
    expect(await codeOf(session.run({ x }))).toBe('missing_feed');
    expect(await codeOf(session.run({ x, w: Float32Array.of(1) }))).toBe('invalid_feed');
    expect(await codeOf(session.run({ x, w: Int32Array.of(1, 2, 3, 4) }))).toBe('invalid_feed');
    await session.release();
    expect(await codeOf(session.run({ x, w: x }))).toBe('worker_closed');
  });

  it('refuses a model that ONNX Runtime cannot read, and whole-number outputs', async () => {
    const broken = { bytes: Uint8Array.of(1, 2, 3), inputs: [], outputs: [] };
    expect(await codeOf(runtime.load(broken))).toBe('session_failed');
    const whole = exportOnnx({ copy: reshape(input('whole', [4], 'int32'), [2, 2]) });
    expect(await codeOf(runtime.load(whole))).toBe('dtype_mismatch');
  });

  it('leaves the event loop free while it computes', async () => {
    const size = 700;
    const a = input('a', [size, size]);
    let product = a;
    for (let k = 0; k < 12; k++) product = matmul(product, a);
    const session = await runtime.load(exportOnnx({ product }));
    let turns = 0;
    let isRunning = true;
    const spin = (): void => {
      turns++;
      if (isRunning) setImmediate(spin);
    };
    const running = session.run({ a: new Float32Array(size * size) });
    spin();
    await running;
    isRunning = false;
    expect(turns).toBeGreaterThan(10);
  });

  it('fails pending and later calls when it is closed', async () => {
    const other = await GraphRuntime.start({ threads: 1 });
    const pending = codeOf(other.createParameters({}));
    await other.close();
    expect(await pending).toBe('worker_closed');
    expect(await codeOf(other.createParameters({}))).toBe('worker_closed');
  });

  it('asks for cores before each run and gives them back, also when a run fails', async () => {
    const events: string[] = [];
    let grant: () => void = () => undefined;
    await using leased = await GraphRuntime.start({
      threads: 1,
      lease: async (signal) => {
        signal?.throwIfAborted();
        await new Promise<void>((resolve) => {
          grant = resolve;
        });
        events.push('taken');
        return () => events.push('given back');
      },
    });
    const session = await leased.load(exportOnnx({ y: doubled() }));
    const x = Float32Array.of(1, 0, 0, 2);
    const result = session.run({ x, w: x.slice() });
    x.fill(7);
    grant();
    expect([...((await result).y ?? [])]).toEqual([1, 0, 0, 4]);
    const failing = codeOf(session.run({ x: new Float32Array(1) }));
    grant();
    expect(await failing).toBe('invalid_feed');
    expect(events).toEqual(['taken', 'given back', 'taken', 'given back']);
    const stopped = session.run({ x, w: x }, undefined, AbortSignal.abort(new Error('stop')));
    await expect(stopped).rejects.toThrow('stop');
  });

  it('refuses a senseless number of threads', async () => {
    expect(await codeOf(GraphRuntime.start({ threads: 0 }))).toBe('invalid_attribute');
  });
});

/** A small classifier: a matrix before and one after the non-linearity. */
interface Training {
  readonly session: TrainingSession;
  readonly parameters: Parameters;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

async function createTraining(
  muonNames: readonly string[],
  initial: Record<string, Float32Array>,
): Promise<Training> {
  const [inner, outer] = [parameter('inner', [16, 4]), parameter('outer', [3, 16])];
  const logits = linear(silu(linear(input('x', [8, 4]), inner)), outer);
  const loss = crossEntropy(logits, input('labels', [8], 'int32'));
  const parameters = await runtime.createParameters(initial);
  const trainable = new Map([
    ['inner', inner],
    ['outer', outer],
  ]);
  const session = await runtime.createTraining({ loss, trainable, parameters, muonNames });
  return { session, parameters, shapes: new Map([...trainable].map(([name, { shape }]) => [name, shape])) };
}

function initialWeights(): Record<string, Float32Array> {
  const random = new Random(3);
  const normals = (length: number): Float32Array =>
    Float32Array.from({ length }, () => 0.5 * random.normal());
  return { inner: normals(64), outer: normals(48) };
}

/** Labels follow from the input, so the loss can fall. */
function batchAt(step: number): { x: Float32Array; labels: Int32Array } {
  const random = new Random(100 + step);
  const x = Float32Array.from({ length: 32 }, () => random.normal());
  const labels = Int32Array.from({ length: 8 }, (_, row) =>
    (x[4 * row] ?? 0) > 0 ? 2 : Number((x[4 * row + 1] ?? 0) > 0),
  );
  return { x, labels };
}

for (const [optimizer, muonNames] of [
  ['AdamW', []],
  ['Muon', ['inner']],
] as const) {
  describe(`training with ${optimizer}`, () => {
    it('lowers the loss', async () => {
      const { session } = await createTraining(muonNames, initialWeights());
      const losses: number[] = [];
      for (let step = 1; step <= 120; step++)
        losses.push((await session.step({ ...batchAt(step) }, 0.02)).loss);
      const mean = (values: number[]): number =>
        values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
    });

    it('gives the same bits after a stop, a checkpoint and a resume', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'triptych-graph-'));
      const path = join(folder, 'checkpoint.safetensors');
      const whole = await createTraining(muonNames, initialWeights());
      const early = await createTraining(muonNames, initialWeights());
      for (let step = 1; step <= 12; step++) await whole.session.step({ ...batchAt(step) }, 0.01);
      for (let step = 1; step <= 5; step++) await early.session.step({ ...batchAt(step) }, 0.01);
      const state = { parameters: await early.parameters.read(), moments: await early.session.readMoments() };
      await saveCheckpoint(path, { ...state, metadata: { note: 'five steps' } }, early.shapes);

      const loaded = await loadCheckpoint(path);
      expect(loaded.moments.step).toBe(5);
      expect(loaded.metadata.note).toBe('five steps');
      const late = await createTraining(muonNames, { ...loaded.parameters });
      await late.session.writeMoments(loaded.moments);
      for (let step = 6; step <= 12; step++) await late.session.step({ ...batchAt(step) }, 0.01);
      expect(await late.parameters.read()).toEqual(await whole.parameters.read());
      expect(await late.session.readMoments()).toEqual(await whole.session.readMoments());
      await rm(folder, { recursive: true });
    });
  });
}

describe('training', () => {
  it('changes nothing when the loss is not finite', async () => {
    const { session, parameters } = await createTraining([], initialWeights());
    const { loss } = await session.step({ ...batchAt(1), x: new Float32Array(32).fill(Number.NaN) }, 0.1);
    expect(loss).toBeNaN();
    expect(await parameters.read()).toEqual(initialWeights());
    expect((await session.readMoments()).step).toBe(0);
  });

  it('refuses moments of another network', async () => {
    const { session } = await createTraining([], initialWeights());
    expect(await codeOf(session.writeMoments({ step: 3, first: {}, second: {} }))).toBe(
      'checkpoint_mismatch',
    );
  });
});
