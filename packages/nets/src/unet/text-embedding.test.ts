import { exportOnnx, GraphRuntime, input, Random } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialWeights } from '../module/initial.js';
import { ParameterScope } from '../module/scope.js';
import { relativeError } from '../testing/golden.js';
import { textEmbedding } from './text-embedding.js';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
});
afterAll(() => runtime.close());

const [BATCH, TOKENS, WIDTH, HEADS, OUT] = [2, 5, 12, 3, 7];

describe('the pooled text', () => {
  it('is what its definition says, under the names of diffusers', async () => {
    const root = new ParameterScope();
    const text = input('text', [BATCH, TOKENS, WIDTH]);
    const pooled = textEmbedding(root.in('add_embedding'), text, { heads: HEADS, out: OUT });
    expect(pooled.shape).toEqual([BATCH, OUT]);
    expect([...root.parameters.keys()].map((name) => name.replace('add_embedding.', '')).sort()).toEqual(
      [
        ...['norm1', 'norm2', 'proj', 'pool.k_proj', 'pool.q_proj', 'pool.v_proj'].flatMap((name) => [
          `${name}.bias`,
          `${name}.weight`,
        ]),
        'pool.positional_embedding',
      ].sort(),
    );
    const random = new Random(3);
    const weights = initialWeights(root.parameters, random);
    for (const values of Object.values(weights)) {
      for (let k = 0; k < values.length; k++) values[k] = (values[k] ?? 0) + 0.3 * random.normal();
    }
    const values = Float32Array.from({ length: BATCH * TOKENS * WIDTH }, () => random.normal());
    const session = await runtime.load(exportOnnx({ pooled }));
    const result = await session.run({ text: values }, await runtime.createParameters(weights));
    const wanted = Array.from({ length: BATCH }, (_, b) =>
      reference(values.subarray(b * TOKENS * WIDTH, (b + 1) * TOKENS * WIDTH), weights),
    ).flat();
    expect(relativeError(result.pooled, Float32Array.from(wanted))).toBeLessThan(1e-5);
  });
});

/** One text in float64, one scalar at a time. */
function reference(text: Float32Array, weights: Readonly<Record<string, Float32Array>>): number[] {
  const weight = (name: string): Float32Array => weights[`add_embedding.${name}`] ?? new Float32Array();
  const norm = (name: string, x: readonly number[]): number[] => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
    return x.map(
      (v, i) =>
        ((v - mean) / Math.sqrt(variance + 1e-5)) * (weight(`${name}.weight`)[i] ?? 0) +
        (weight(`${name}.bias`)[i] ?? 0),
    );
  };
  const linear = (name: string, x: readonly number[]): number[] =>
    Array.from(weight(`${name}.bias`), (bias, o) =>
      x.reduce((sum, v, i) => sum + v * (weight(`${name}.weight`)[o * x.length + i] ?? 0), bias),
    );
  const rows = Array.from({ length: TOKENS }, (_, t) =>
    norm('norm1', [...text.subarray(t * WIDTH, (t + 1) * WIDTH)]),
  );
  const question = Array.from(
    weight('pool.positional_embedding'),
    (p, i) => p + rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / TOKENS,
  );
  const all = [question, ...rows];
  const query = linear('pool.q_proj', question);
  const keys = all.map((row) => linear('pool.k_proj', row));
  const values = all.map((row) => linear('pool.v_proj', row));
  const size = WIDTH / HEADS;
  const mixed = query.map((_, i) => {
    const head = Math.floor(i / size);
    const inHead = query.map((_, k) => k).filter((k) => Math.floor(k / size) === head);
    const scores = keys.map((key) =>
      Math.exp(inHead.reduce((sum, k) => sum + (query[k] ?? 0) * (key[k] ?? 0), 0) / Math.sqrt(size)),
    );
    const total = scores.reduce((a, b) => a + b, 0);
    return scores.reduce((sum, score, t) => sum + (score / total) * (values[t]?.[i] ?? 0), 0);
  });
  return norm('norm2', linear('proj', mixed));
}
