import { describe, expect, it } from 'vitest';
import { parseGguf } from './gguf/parse.js';
import { f32, type GgufInputValue, u32 } from './gguf/values.js';
import { llamaConfig } from './llama-config.js';
import {
  type SampleTensor,
  sampleFile,
  sampleLlamaKeys,
  sentencePieceSample,
} from './testing/gguf-samples.js';

const embedding: SampleTensor = { name: 'token_embd.weight', dims: [32, 10], type: 'F32' };

function config(
  changes: Record<string, GgufInputValue | undefined> = {},
  tensors: readonly SampleTensor[] = [embedding],
) {
  const keys = new Map<string, GgufInputValue | undefined>([
    ...sampleLlamaKeys(10),
    ...Object.entries(changes),
  ]);
  const defined = [...keys].filter((entry): entry is [string, GgufInputValue] => entry[1] !== undefined);
  return llamaConfig(parseGguf(sampleFile(new Map(defined), tensors)));
}

describe('llamaConfig', () => {
  it('reads a model', () => {
    expect(llamaConfig(parseGguf(sentencePieceSample()))).toEqual({
      architecture: 'llama',
      name: 'sample',
      contextLength: 128,
      embeddingLength: 32,
      blockCount: 1,
      feedForwardLength: 64,
      headCount: 4,
      headCountKv: 2,
      headDim: 8,
      rmsEpsilon: Math.fround(1e-5),
      ropeFreqBase: 10000,
      ropeDimensionCount: 8,
      vocabSize: 12,
      tieEmbeddings: true,
    });
  });

  it('fills in what may be missing', () => {
    const missing = {
      'general.name': undefined,
      'llama.attention.head_count_kv': undefined,
      'llama.rope.freq_base': undefined,
      'llama.rope.dimension_count': undefined,
      'llama.vocab_size': undefined,
    };
    expect(config(missing)).toMatchObject({
      name: '',
      headCountKv: 4,
      ropeFreqBase: 10000,
      ropeDimensionCount: 8,
    });
    expect(config({}, []).vocabSize).toBe(10);
    expect(config({}, [embedding, { ...embedding, name: 'output.weight' }]).tieEmbeddings).toBe(false);
  });

  it('reads rope scaling and heads wider than the embedding gives', () => {
    const scaling = {
      'llama.rope.scaling.type': 'linear',
      'llama.rope.scaling.factor': f32(4),
      'llama.rope.scaling.original_context_length': u32(64),
    };
    expect(config(scaling).ropeScaling).toEqual({ type: 'linear', factor: 4, originalContextLength: 64 });
    expect(config({ 'llama.rope.scaling.type': 'none' }).ropeScaling).toBeUndefined();
    expect(
      config({ 'llama.attention.key_length': u32(16), 'llama.attention.value_length': u32(16) }).headDim,
    ).toBe(16);
  });

  it('takes per-layer numbers that agree', () => {
    expect(config({ 'llama.attention.head_count_kv': Int32Array.of(2, 2) }).headCountKv).toBe(2);
  });

  it.each<[string, RegExp, Record<string, GgufInputValue | undefined>]>([
    [
      'another architecture',
      /"general.architecture" is "bert": only "llama"/,
      { 'general.architecture': 'bert' },
    ],
    ['no architecture', /"general.architecture" is missing/, { 'general.architecture': undefined }],
    ['no block count', /"llama.block_count" is missing/, { 'llama.block_count': undefined }],
    ['no blocks', /"llama.block_count" is 0/, { 'llama.block_count': u32(0) }],
    [
      'an absurd context',
      /"llama.context_length" is 4294967295/,
      { 'llama.context_length': u32(0xffffffff) },
    ],
    ['a wrong type', /"llama.embedding_length" is big/, { 'llama.embedding_length': 'big' }],
    [
      'half a head',
      /"llama.attention.head_count" is 2.5: expected an integer/,
      { 'llama.attention.head_count': f32(2.5) },
    ],
    [
      'heads that do not divide',
      /head_count" is 5: it must divide/,
      { 'llama.attention.head_count': u32(5) },
    ],
    [
      'groups that do not divide',
      /head_count_kv" is 3: it must divide/,
      { 'llama.attention.head_count_kv': u32(3) },
    ],
    [
      'layers that differ',
      /differs between layers/,
      { 'llama.attention.head_count_kv': Int32Array.of(2, 1) },
    ],
    ['an odd rotation', /dimension_count" is 7/, { 'llama.rope.dimension_count': u32(7) }],
    ['a rotation wider than a head', /dimension_count" is 10/, { 'llama.rope.dimension_count': u32(10) }],
    ['NaN', /epsilon" is NaN/, { 'llama.attention.layer_norm_rms_epsilon': f32(Number.NaN) }],
    [
      'another embedding width',
      /"llama.embedding_length" is 64 but token_embd/,
      { 'llama.embedding_length': u32(64) },
    ],
    ['one part of several', /"split.count"/, { 'split.count': u32(3) }],
    ['experts', /"llama.expert_count"/, { 'llama.expert_count': u32(8) }],
    ['unknown scaling', /scaling.type" is "magic"/, { 'llama.rope.scaling.type': 'magic' }],
    ['keys and values of two widths', /value_length" differs/, { 'llama.attention.value_length': u32(4) }],
  ])('refuses %s', (_, message, changes) => {
    expect(() => config(changes)).toThrow(message);
  });
});
