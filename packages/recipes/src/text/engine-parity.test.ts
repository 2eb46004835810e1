import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GgufFile, inputMetadata, openGguf, writeGguf } from '@triptych/checkpoints';
import { exportOnnx, GraphRuntime, input } from '@triptych/graph';
import { TextEngine, type TextEngineOptions } from '@triptych/llm';
import {
  type LlamaConfig,
  llamaDecoder,
  llamaGgufMetadata,
  llamaGgufTensors,
  readLlamaGguf,
} from '@triptych/nets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelPath } from './export.js';

// The same weights through both engines: the graph on ONNX Runtime and the native one that serves.

const MODEL = modelPath(fileURLToPath(new URL('../../../../models/text', import.meta.url)));
const TEXT =
  'It was a bright cold morning, and the captain stood by the window with a letter in his hand. "My dear," said he, ' +
  'without turning round, "we must go down to the sea before the others are awake, or we shall never see the island ' +
  'again." And she answered, that she had been ready these two hours; that the boat lay under the wall, and that ' +
  'nothing was wanting but his hat.\n\nThe 24th of June, 1812, was remembered long afterwards in the village.';
const OPTIONS: TextEngineOptions = { kvMemoryBytes: 64 << 20, threads: 2 };

let runtime: GraphRuntime;
let folder: string;
let file: GgufFile;
let config: LlamaConfig;
let weights: Record<string, Float32Array>;

beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 2 });
  folder = await mkdtemp(join(tmpdir(), 'triptych-parity-'));
  file = await openGguf(MODEL);
  ({ config, weights } = await readLlamaGguf(file));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

/** Logits of the graph, row by row. */
async function graphLogits(tokens: readonly number[]): Promise<Float32Array> {
  const { logits } = llamaDecoder(config, input('ids', [1, tokens.length], 'int32'));
  const session = await runtime.load(exportOnnx({ logits }));
  const result = await session.run({ ids: Int32Array.from(tokens), ...weights });
  return result.logits ?? new Float32Array();
}

async function nativeLogits(
  path: string,
  options = OPTIONS,
): Promise<{ tokens: readonly number[]; logits: Float32Array }> {
  await using engine = await TextEngine.load(path, options);
  const tokens = engine.tokenize(TEXT);
  return { tokens, logits: await engine.debugLogits(tokens) };
}

/** Kullback-Leibler divergence, in nats, of the second distribution from the first. */
function divergence(expected: Float32Array, actual: Float32Array): number {
  const [p, q] = [logProbabilities(expected), logProbabilities(actual)];
  return p.reduce((sum, logP, k) => sum + Math.exp(logP) * (logP - (q[k] ?? Number.NaN)), 0);
}

function logProbabilities(logits: Float32Array): Float64Array {
  const peak = logits.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
  const logSum = Math.log(logits.reduce((sum, value) => sum + Math.exp(value - peak), 0));
  return Float64Array.from(logits, (value) => value - peak - logSum);
}

describe('the embedded model in both engines', () => {
  it('gives the same logits from float32 weights', async () => {
    const path = join(folder, 'float32.gguf');
    const tokenizer = [...inputMetadata(file)].filter(([key]) => key.startsWith('tokenizer.'));
    const metadata = new Map([...llamaGgufMetadata(config, 'parity', 'F32'), ...tokenizer]);
    await writeGguf(path, { metadata, tensors: llamaGgufTensors({ config, weights, type: 'F32' }) });
    const native = await nativeLogits(path, { ...OPTIONS, kvType: 'f32' });
    const graph = await graphLogits(native.tokens);
    expect(native.tokens.length).toBeGreaterThan(100);
    expect(graph).toHaveLength(native.tokens.length * config.vocab_size);
    const largest = graph.reduce(
      (max, value, k) => Math.max(max, Math.abs(value - (native.logits[k] ?? Number.NaN))),
      0,
    );

    expect(largest).toBeLessThan(1e-3);
  });

  it('gives the same next-token distributions from the committed file', async () => {
    const native = await nativeLogits(MODEL);
    const graph = await graphLogits(native.tokens);
    native.tokens.forEach((_, position) => {
      const [start, end] = [position * config.vocab_size, (position + 1) * config.vocab_size];
      expect(divergence(graph.subarray(start, end), native.logits.subarray(start, end))).toBeLessThan(1e-3);
    });
  });
});
