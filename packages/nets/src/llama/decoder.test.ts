import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@triptych/checkpoints';
import {
  crossEntropy,
  evaluateReference,
  exportOnnx,
  GraphRuntime,
  grad,
  input,
  Random,
} from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetworkError } from '../errors.js';
import { parseLlamaConfig } from './config.js';
import { llamaDecoder, llamaParameterShapes } from './decoder.js';
import { initialLlamaWeights } from './initial.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/llama/', import.meta.url));

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 2 });
});
afterAll(() => runtime.close());

async function floats(path: string): Promise<Record<string, Float32Array>> {
  const { tensors } = await readSafetensors(path);
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, Float32Array.from(data, Number)]));
}

const largestDifference = (a: Float32Array | undefined, b: Float32Array | undefined): number =>
  (a ?? Float32Array.of(Number.NaN)).reduce(
    (max, value, k) => Math.max(max, Math.abs(value - (b?.[k] ?? Number.NaN))),
    0,
  );

describe('llama decoder', () => {
  it('agrees with transformers within 1e-4', async () => {
    const config = parseLlamaConfig(JSON.parse(await readFile(`${FIXTURE}config.json`, 'utf8')));
    const golden = await floats(`${FIXTURE}io.safetensors`);
    const { logits, lastHidden } = llamaDecoder(config, input('ids', [2, 24], 'int32'));
    const session = await runtime.load(exportOnnx({ logits, lastHidden }));
    const parameters = await runtime.createParameters(await floats(`${FIXTURE}model.safetensors`));
    const actual = await session.run({ ids: Int32Array.from(golden.input_ids ?? []) }, parameters);
    expect(actual.logits).toHaveLength(2 * 24 * 320);
    expect(largestDifference(actual.logits, golden.logits)).toBeLessThan(1e-4);
    expect(largestDifference(actual.lastHidden, golden.last_hidden)).toBeLessThan(1e-4);
  });

  it('does not look at later tokens', async () => {
    const config = tiny({ tie_word_embeddings: true });
    const { logits } = llamaDecoder(config, input('ids', [1, 6], 'int32'));
    const session = await runtime.load(exportOnnx({ logits }));
    const weights = initialLlamaWeights(config, new Random(1));
    const one = await session.run({ ids: Int32Array.of(1, 2, 3, 4, 5, 6), ...weights });
    const other = await session.run({ ids: Int32Array.of(1, 2, 3, 9, 8, 7), ...weights });
    const seen = 3 * config.vocab_size;
    expect(other.logits?.subarray(0, seen)).toEqual(one.logits?.subarray(0, seen));
    expect(other.logits?.subarray(seen)).not.toEqual(one.logits?.subarray(seen));
  });

  it('has gradients that agree with central differences, tied embeddings included', () => {
    const config = tiny({ tie_word_embeddings: true, hidden_size: 8, intermediate_size: 6 });
    const ids = input('ids', [2, 3], 'int32');
    const { logits, parameters } = llamaDecoder(config, ids);
    const loss = crossEntropy(logits, input('labels', [6], 'int32'));
    const random = new Random(2);
    const feeds: Record<string, ArrayLike<number>> = { ids: [1, 4, 4, 0, 2, 9], labels: [4, 4, 1, 2, 9, 3] };
    for (const [name, shape] of llamaParameterShapes(config)) {
      const centre = shape.length === 1 ? 1 : 0;
      feeds[name] = Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        () => centre + 0.3 * random.normal(),
      );
    }
    const gradients = evaluateReference(grad(loss, [...parameters.values()]), feeds);
    [...parameters.keys()].forEach((name, index) => {
      const gradient = gradients[index] ?? new Float64Array();
      const element = random.below(gradient.length);
      const lossAt = (offset: number): number => {
        const moved = Array.from(feeds[name] ?? []);
        moved[element] = (moved[element] ?? 0) + offset;
        return evaluateReference([loss], { ...feeds, [name]: moved })[0]?.[0] ?? Number.NaN;
      };
      const expected = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
      expect(Math.abs((gradient[element] ?? Number.NaN) - expected)).toBeLessThan(1e-7);
    });
  });
});

describe('parseLlamaConfig', () => {
  const base = {
    vocab_size: 10,
    hidden_size: 8,
    intermediate_size: 6,
    num_hidden_layers: 1,
    num_attention_heads: 4,
  };

  it('fills in what older files leave out', () => {
    const config = parseLlamaConfig(base);
    expect(config.num_key_value_heads).toBe(4);
    expect(config.head_dim).toBe(2);
    expect(config.rope_theta).toBe(10_000);
    expect(config.tie_word_embeddings).toBe(false);
    expect(
      parseLlamaConfig({ ...base, rope_parameters: { rope_type: 'default', rope_theta: 5 } }).rope_theta,
    ).toBe(5);
  });

  for (const [what, change] of [
    ['a missing key', { hidden_size: undefined }],
    ['a fraction', { num_hidden_layers: 1.5 }],
    ['text for a number', { vocab_size: '10' }],
    ['key heads that do not divide the heads', { num_key_value_heads: 3 }],
    ['an odd head width', { head_dim: 3 }],
    ['another activation', { hidden_act: 'gelu' }],
    ['biases', { attention_bias: true }],
    ['scaled rope', { rope_scaling: { rope_type: 'llama3', factor: 8 } }],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => parseLlamaConfig({ ...base, ...change })).toThrow(NetworkError);
    });
  }
});

function tiny(changes: Readonly<Record<string, unknown>>) {
  return parseLlamaConfig({
    vocab_size: 12,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 4,
    ...changes,
  });
}
