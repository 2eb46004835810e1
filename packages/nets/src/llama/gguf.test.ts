import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGguf, writeGguf } from '@triptych/checkpoints';
import { Random } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetworkError } from '../errors.js';
import { parseLlamaConfig } from './config.js';
import { llamaParameterShapes } from './decoder.js';
import {
  ggufTensorName,
  llamaConfigOfGguf,
  llamaGgufMetadata,
  llamaGgufTensors,
  readLlamaGguf,
} from './gguf.js';
import { initialLlamaWeights } from './initial.js';

const config = parseLlamaConfig({
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  max_position_embeddings: 77,
  rms_norm_eps: 2 ** -17,
  tie_word_embeddings: true,
});
const weights = initialLlamaWeights(config, new Random(4));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'triptych-nets-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('llama as GGUF', () => {
  it('names every tensor', () => {
    const names = [...llamaParameterShapes({ ...config, tie_word_embeddings: false }).keys()].map(
      ggufTensorName,
    );
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('output.weight');
    expect(names).toContain('blk.1.attn_q.weight');
    expect(() => ggufTensorName('model.layers.0.self_attn.rotary.weight')).toThrow(NetworkError);
  });

  it('lays out query rows so that neighbours are rotated together', () => {
    const [query] = llamaGgufTensors({ config, weights, type: 'F32' }).filter(
      ({ name }) => name === 'blk.0.attn_q.weight',
    );
    const bytes = query?.data as Uint8Array;
    const stored = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const source = weights['model.layers.0.self_attn.q_proj.weight'] ?? new Float32Array();
    const row = (values: Float32Array, index: number): Float32Array =>
      values.subarray(32 * index, 32 * index + 32);
    // Head 2 has rows 16..23; transformers pairs (16, 20), (17, 21), ..., GGUF (16, 17), (18, 19), ...
    expect(row(stored, 16)).toEqual(row(source, 16));
    expect(row(stored, 17)).toEqual(row(source, 20));
    expect(row(stored, 18)).toEqual(row(source, 17));
    expect(row(stored, 23)).toEqual(row(source, 23));
  });

  it('comes back from a file: exactly as F32, rounded as Q8_0', async () => {
    for (const [type, tolerance] of [
      ['F32', 0],
      ['Q8_0', 5e-4],
    ] as const) {
      const path = join(folder, `${type}.gguf`);
      const metadata = llamaGgufMetadata(config, 'tiny', type);
      await writeGguf(path, { metadata, tensors: llamaGgufTensors({ config, weights, type }) });
      const file = await openGguf(path);
      expect(llamaConfigOfGguf(file)).toEqual(config);
      const read = await readLlamaGguf(file);
      for (const [name, values] of Object.entries(weights)) {
        const differences = values.map((value, k) =>
          Math.abs(value - (read.weights[name]?.[k] ?? Number.NaN)),
        );
        expect(Math.max(...differences)).toBeLessThanOrEqual(tolerance);
      }
    }
  });

  it('refuses missing weights', () => {
    expect(() => llamaGgufTensors({ config, weights: {}, type: 'F32' })).toThrow(NetworkError);
  });
});
