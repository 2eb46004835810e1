/**
 * Training on ONNX Runtime: a step (forward, backward, AdamW) of a small editing U-Net, held against the rate of a
 * plain f32 matrix product on the same threads, measured between the steps. Multiplications and additions of products
 * and convolutions are counted; norms, activations, copies and the optimizer are overhead.
 *
 * The rows `train/op/...` say where a step's time goes, by the operation of the graph that a node comes from: those
 * that multiply are in GFLOP/s against the matrix product, the others in milliseconds.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { countFlops, exportOnnx, GraphRuntime, grad, input, matmul, reduceSum } from '@triptych/graph';
import { cpuQuota } from '@triptych/native';
import ort from 'onnxruntime-node';
import { measureQuietly } from './quiet.mjs';
import { median } from './statistics.mjs';
import { randomBatch, settings, unet } from './train-unet.mjs';

const square = 1024;

/** @param {{row: Function, note: Function, only?: string, quick: boolean, signal: AbortSignal}} bench */
export async function run({ row, note, only, quick, signal }) {
  const threads = cpuQuota();
  const { loss, trainable, initial } = unet();
  const outputs = { loss, ...Object.fromEntries(gradients(loss, trainable)) };
  const flops = countFlops(Object.values(outputs));
  // The backward pass computes the scores of attention again; that is not counted as work.
  const repeated = (flops.get('attention') ?? 0) / 2;
  const stepFlops = [...flops.values()].reduce((a, b) => a + b, 0) - repeated;
  const wants = (name) => only === undefined || name.includes(only);
  const count = Object.values(initial).reduce((sum, { length }) => sum + length, 0);
  note({
    name: 'train',
    parameters: count,
    'GFLOP/step': (stepFlops / 1e9).toFixed(1),
    batch: settings.batch,
  });

  const runtime = await GraphRuntime.start({ threads });
  let matmulGflops = 0;
  try {
    const product = await prepareProduct(runtime);
    const feeds = randomBatch();
    if (wants('train/unet/images') || wants('train/unet/flops')) {
      const parameters = await runtime.createParameters(initial);
      const training = await runtime.createTraining({ loss, trainable, parameters });
      // The first two steps fill memory that the others use again.
      for (let k = 0; k < 2; k++) await training.step(feeds, 1e-4, signal);
      const { results, otherLoad } = await measureQuietly({ count: quick ? 3 : 9, signal }, async () => {
        const before = await product();
        const start = performance.now();
        await training.step(feeds, 1e-4, signal);
        const seconds = (performance.now() - start) / 1000;
        return { seconds, rate: (before + (await product())) / 2 };
      });
      await training.release();
      matmulGflops = median(results.map(({ rate }) => rate));
      const seconds = median(results.map((result) => result.seconds));
      const extra = { otherLoad, threads, samples: results.length };
      row({ name: 'train/unet/images', value: settings.batch / seconds, unit: 'images/s', ...extra });
      row({
        name: 'train/unet/flops',
        value: stepFlops / seconds / 1e9,
        unit: 'GFLOP/s',
        against: matmulGflops,
        ratio: median(results.map(({ seconds: s, rate }) => stepFlops / s / 1e9 / rate)),
        limit: `matmul ${square} x ${square} x ${square}, f32`,
        ...extra,
      });
    }
    matmulGflops ||= await product();
  } finally {
    await runtime.close();
  }
  if (!wants('train/op')) return;
  signal.throwIfAborted();
  const times = await profile(exportOnnx(outputs), { ...initial, ...randomBatch() }, threads, quick ? 2 : 5);
  const total = [...times.values()].reduce((a, b) => a + b, 0);
  for (const [record, seconds] of [...times].sort((a, b) => b[1] - a[1])) {
    const share = `${((100 * seconds) / total).toFixed(1)} % of the time in ONNX Runtime`;
    const work = flops.get(record);
    if (work === undefined) {
      row({ name: `train/op/${record}`, value: seconds * 1000, unit: 'ms', limit: share });
    } else {
      const value = work / seconds / 1e9;
      row({
        name: `train/op/${record}`,
        value,
        unit: 'GFLOP/s',
        against: matmulGflops,
        limit: `${share}; matmul`,
      });
    }
  }
}

function gradients(loss, trainable) {
  const names = [...trainable.keys()];
  return grad(loss, [...trainable.values()]).map((gradient, k) => [`grad:${names[k]}`, gradient]);
}

/** Measures the rate of a matrix product, GFLOP/s. */
async function prepareProduct(runtime) {
  const [a, b] = [input('a', [square, square]), input('b', [square, square])];
  // Its sum leaves ONNX Runtime, not the product: copying is not what is measured.
  const session = await runtime.load(exportOnnx({ sums: reduceSum(matmul(a, b), [0]) }));
  const parameters = await runtime.createParameters({
    a: new Float32Array(square * square).fill(0.5),
    b: new Float32Array(square * square).fill(0.25),
  });
  const once = async () => {
    const start = performance.now();
    await session.run({}, parameters);
    return (2 * square ** 3) / ((performance.now() - start) * 1e6);
  };
  await once();
  return async () => {
    const rates = [];
    for (let k = 0; k < 5; k++) rates.push(await once());
    return median(rates);
  };
}

/** Seconds of one run by the record that a node was lowered from. The session belongs to this thread: nothing else runs. */
async function profile(model, values, threads, runs) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-train-'));
  try {
    const session = await ort.InferenceSession.create(model.bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: path.join(folder, 'profile'),
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    const feeds = {};
    for (const { name, shape } of model.inputs) feeds[name] = new ort.Tensor('float32', values[name], shape);
    for (let k = 0; k <= runs; k++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    return timesByRecord(JSON.parse(await readFile(path.join(folder, file), 'utf8')), runs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function timesByRecord(events, runs) {
  const kernels = events.filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'));
  // The first run also fills caches and grows the arena. Nodes come in the same order in every run; the median of each
  // leaves out what a neighbour on the machine disturbed.
  const perRun = kernels.length / (runs + 1);
  const times = new Map();
  for (let node = 0; node < perRun; node++) {
    const { name, args } = kernels[node];
    const durations = Array.from({ length: runs }, (_, k) => kernels[(k + 1) * perRun + node].dur);
    // Nodes that ONNX Runtime adds have no record.
    const slash = name.indexOf('/');
    const record = slash < 0 ? `runtime:${args.op_name}` : name.slice(0, slash);
    times.set(record, (times.get(record) ?? 0) + median(durations) / 1e6);
  }
  return times;
}
