import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  add,
  attention,
  canRunPlans,
  concat,
  conv2d,
  type ExternalTensor,
  evaluateReference,
  GraphRuntime,
  geglu,
  gelu,
  groupNorm,
  input,
  layerNorm,
  linear,
  mul,
  type NetworkPlan,
  parameter,
  planNetwork,
  Random,
  reshape,
  silu,
  slice,
  softmax,
  type Tensor,
  timestepEmbedding,
  transpose,
  upsampleNearest,
} from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { topologicalOrder } from '../tensor.js';

const FILE = 'weights.bin';
let runtime: GraphRuntime;
let folder: string;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 2 });
  folder = await mkdtemp(join(tmpdir(), 'plan-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

interface Case {
  readonly plan: NetworkPlan | undefined;
  readonly values: Record<string, Float32Array>;
}

/** Random values for all leaves; parameters are written to the file, at odd places. */
async function prepare(output: Tensor): Promise<Case> {
  const random = new Random(1);
  const values: Record<string, Float32Array> = {};
  const external = new Map<string, ExternalTensor>();
  const parts: Buffer[] = [Buffer.from('x')];
  for (const tensor of topologicalOrder([output])) {
    if (tensor.op.name !== 'input' && tensor.op.name !== 'parameter') continue;
    const { name } = tensor.attributes as { readonly name: string };
    const data = Float32Array.from({ length: tensor.shape.reduce((a, b) => a * b, 1) }, () =>
      random.normal(),
    );
    values[name] = data;
    if (tensor.op.name === 'input') continue;
    const offset = parts.reduce((sum, part) => sum + part.length, 0);
    external.set(name, { file: FILE, offset, sizeBytes: data.byteLength, dtype: 'float32' });
    parts.push(Buffer.from(data.buffer));
  }
  await writeFile(join(folder, FILE), Buffer.concat(parts));
  return { plan: planNetwork({ output }, external), values };
}

/** Largest difference from the float64 reference over the largest magnitude. */
async function errorOf(output: Tensor): Promise<number> {
  const { plan, values } = await prepare(output);
  expect(plan).toBeDefined();
  const session = await runtime.loadPlan(plan as NetworkPlan, folder);
  const result = (await session.run(values)).output ?? new Float32Array();
  await session.release();
  const [expected] = evaluateReference([output], values);
  const largest = Math.max(...(expected ?? []).map(Math.abs));
  return Math.max(...result.map((value, k) => Math.abs(value - (expected?.[k] ?? Number.NaN)))) / largest;
}

const weight = (name: string, ...shape: number[]): Tensor => parameter(name, shape);
const image = input('image', [2, 6, 5, 7]);
const tokens = input('tokens', [2, 9, 8]);

function residualBlock(): Tensor {
  const normed = silu(groupNorm(image, weight('g', 6), weight('b', 6), 3, 1e-5));
  const hidden = conv2d(normed, weight('c1', 4, 6, 3, 3), { padding: 1, bias: weight('b1', 4) });
  const time = linear(silu(timestepEmbedding(input('t', [2]), 6)), weight('tw', 4, 6), weight('tb', 4));
  const shifted = add(hidden, reshape(time, [2, 4, 1, 1]));
  const out = conv2d(gelu(shifted), weight('c2', 4, 4, 3, 3), { padding: 1 });
  return add(conv2d(image, weight('s', 4, 6, 1, 1)), out);
}

function transformer(): Tensor {
  const rows = transpose(reshape(image, [2, 6, 35]), [0, 2, 1]);
  const normed = layerNorm(rows, weight('g', 6), weight('b', 6), 1e-5);
  const mixed = attention(
    linear(normed, weight('q', 4, 6)),
    linear(tokens, weight('k', 4, 8)),
    linear(tokens, weight('v', 6, 8)),
    { heads: 2 },
  );
  const x = add(rows, linear(mixed, weight('o', 6, 6), weight('ob', 6)));
  const wide = add(x, linear(geglu(linear(x, weight('f', 10, 6))), weight('d', 6, 5)));
  return reshape(transpose(wide, [0, 2, 1]), [2, 6, 5, 7]);
}

describe.skipIf(!canRunPlans())('planned networks', () => {
  it.each([
    ['a residual block with time', residualBlock],
    ['a transformer over pixels and text', transformer],
    [
      'changes of size',
      () => conv2d(upsampleNearest(image, 2), weight('w', 3, 6, 3, 3), { padding: 1, stride: 2 }),
    ],
    [
      'padding side by side',
      () =>
        conv2d(image, weight('w', 3, 6, 3, 3), {
          stride: 2,
          padding: { top: 0, left: 0, bottom: 1, right: 1 },
        }),
    ],
    ['parts of channels', () => concat([slice(image, 1, 1, 3), silu(image)], 1)],
    ['a sum that two read', () => add(silu(add(image, image)), add(image, image))],
    ['tokens', () => add(tokens, gelu(tokens))],
  ])('agree with the reference: %s', async (_, build) => {
    expect(await errorOf(build())).toBeLessThan(1e-5);
  });

  it('do not change a product that something else reads too', async () => {
    const product = conv2d(image, weight('w', 6, 6, 1, 1));
    expect(await errorOf(add(add(product, image), silu(product)))).toBeLessThan(1e-5);
    const normed = groupNorm(image, weight('g', 6), weight('b', 6), 2, 1e-5);
    expect(await errorOf(add(silu(normed), normed))).toBeLessThan(1e-5);
  });

  it('give the same bits in every run', async () => {
    const { plan, values } = await prepare(transformer());
    const session = await runtime.loadPlan(plan as NetworkPlan, folder);
    const first = await session.run(values);
    expect(await session.run(values)).toEqual(first);
    await session.release();
    await expect(session.run(values)).rejects.toThrow(/released/);
  });

  it('say what is missing', async () => {
    const { plan, values } = await prepare(residualBlock());
    const session = await runtime.loadPlan(plan as NetworkPlan, folder);
    await expect(session.run({ ...values, t: new Float32Array(3) })).rejects.toThrow(/"t" must be 2/);
    await expect(runtime.loadPlan(plan as NetworkPlan, join(folder, 'no'))).rejects.toThrow(/cannot open/);
    await writeFile(join(folder, 'short.bin'), 'x');
    const short = { ...(plan as NetworkPlan), files: ['short.bin'] };
    await expect(runtime.loadPlan(short, folder)).rejects.toThrow(/ends beyond the file/);
    await session.release();
  });
});

describe('planNetwork', () => {
  it.each([
    ['an operation without a kernel', () => softmax(tokens)],
    ['a product of two inputs', () => mul(tokens, tokens)],
    ['groups', () => conv2d(image, weight('w', 6, 3, 1, 1), { groups: 2 })],
    ['masks', () => attention(tokens, tokens, tokens, { heads: 2, isCausal: true })],
    ['moves of elements', () => reshape(image, [2, 42, 5])],
  ])('leaves %s to ONNX Runtime', async (_, build) => {
    expect((await prepare(build())).plan).toBeUndefined();
  });

  it('leaves weights that are not in files to ONNX Runtime, and checks the size of those that are', () => {
    const output = linear(tokens, weight('w', 3, 8));
    expect(planNetwork({ output }, new Map())).toBeUndefined();
    const short: ExternalTensor = { file: FILE, offset: 0, sizeBytes: 95, dtype: 'float32' };
    expect(() => planNetwork({ output }, new Map([['w', short]]))).toThrow(/needs 96 bytes/);
  });

  it('lets matrices share memory', async () => {
    let x = image as Tensor;
    for (let k = 0; k < 20; k++) x = conv2d(x, weight(`w${k}`, 6, 6, 3, 3), { padding: 1 });
    const { plan } = await prepare(x);
    expect(plan?.arenaFloats).toBeLessThan(4 * 1024);
  });
});
