import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  add,
  BatchLoader,
  conv2d,
  GraphRuntime,
  groupNorm,
  input,
  loadCheckpoint,
  Mixture,
  mul,
  type Parameters,
  parameter,
  Random,
  saveCheckpoint,
  silu,
  sub,
  sumAll,
  type Tensor,
  type TrainingSession,
} from '@triptych/graph';
import { afterAll, beforeAll, expect, it } from 'vitest';

// The whole of a training at once: data from a thread, a small image network, averages, a checkpoint in the middle.

/** Pictures and targets that follow from a draw. */
const MODULE = `data:text/javascript,${encodeURIComponent(`
export function createBatchMaker() {
  return (draws) => {
    const picture = new Float32Array(draws.length * 32);
    draws.forEach(({ set, index, seed }, k) => {
      for (let p = 0; p < 32; p++) picture[32 * k + p] = Math.sin(index + p * (set === 'a' ? 1 : 2) + (seed % 7));
    });
    return { picture, target: picture.map((value) => 0.5 * value) };
  };
}`)}`;

const BATCH = 4;
const STEPS = 10;
const SHAPES = new Map([
  ['conv', [2, 2, 3, 3]],
  ['scale', [2]],
  ['shift', [2]],
]);

let runtime: GraphRuntime;
let folder: string;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'triptych-resume-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

interface Run {
  readonly session: TrainingSession;
  readonly parameters: Parameters;
  readonly loader: BatchLoader;
}

async function start(values: Record<string, Float32Array>, mixture: Mixture): Promise<Run> {
  const trainable = new Map([...SHAPES].map(([name, shape]) => [name, parameter(name, shape)]));
  const [conv, scale, shift] = [...trainable.values()] as [Tensor, Tensor, Tensor];
  const picture = input('picture', [BATCH, 2, 4, 4]);
  const change = conv2d(silu(groupNorm(picture, scale, shift, 1, 1e-5)), conv, { padding: 1 });
  const error = sub(add(picture, change), input('target', picture.shape));
  const parameters = await runtime.createParameters(values);
  const session = await runtime.createTraining({
    loss: sumAll(mul(error, error)),
    trainable,
    parameters,
    average: { decay: 0.9 },
  });
  return {
    session,
    parameters,
    loader: new BatchLoader({ module: MODULE, mixture, batchSize: BATCH, ahead: 3 }),
  };
}

function initial(): Record<string, Float32Array> {
  const random = new Random(4);
  return {
    conv: Float32Array.from({ length: 36 }, () => 0.1 * random.normal()),
    scale: new Float32Array(2).fill(1),
    shift: new Float32Array(2),
  };
}

const mixture = (): Mixture =>
  new Mixture(
    [
      { name: 'a', length: 5, repeat: 2 },
      { name: 'b', length: 7 },
    ],
    21,
  );

it('resumes with the same losses and the same bits', async () => {
  const whole = await start(initial(), mixture());
  const losses: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    losses.push((await whole.session.step((await whole.loader.next()).feeds, 0.01)).loss);
  }
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);

  const early = await start(initial(), mixture());
  const path = join(folder, 'checkpoint.safetensors');
  for (let step = 1; step <= 4; step++) {
    const { feeds, position } = await early.loader.next();
    await early.session.step(feeds, 0.01);
    if (step < 4) continue;
    const checkpoint = {
      parameters: await early.parameters.read(),
      moments: await early.session.readMoments(),
      averages: await early.session.averages?.read(),
      metadata: { position: JSON.stringify(position) },
    };
    await saveCheckpoint(path, checkpoint, SHAPES);
  }

  const loaded = await loadCheckpoint(path);
  const from = mixture();
  from.position = JSON.parse(loaded.metadata.position ?? '');
  const late = await start({ ...loaded.parameters }, from);
  await late.session.writeMoments(loaded.moments);
  await late.session.averages?.write(loaded.averages ?? {});
  const resumed: number[] = [];
  for (let step = 5; step <= STEPS; step++) {
    resumed.push((await late.session.step((await late.loader.next()).feeds, 0.01)).loss);
  }
  expect(resumed).toEqual(losses.slice(4));
  expect(await late.parameters.read()).toEqual(await whole.parameters.read());
  expect(await late.session.averages?.read()).toEqual(await whole.session.averages?.read());
  for (const { loader } of [whole, early, late]) await loader.close();
});
