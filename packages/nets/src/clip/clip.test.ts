import { exportOnnx, GraphRuntime, input } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtureConfig, fixtureFolder, goldenValues, relativeError } from '../testing/golden.js';
import { bindWeights, clipAliases } from '../weights/bind.js';
import { openWeightFiles } from '../weights/weight-files.js';
import { parseClipTextConfig, parseClipVisionConfig } from './config.js';
import { clipEndRows, clipTextModel } from './text.js';
import { clipVisionModel } from './vision.js';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
});
afterAll(() => runtime.close());

describe('CLIP text encoder', () => {
  it('agrees with transformers within 1e-4', async () => {
    const config = parseClipTextConfig(await fixtureConfig('clip-text'));
    const golden = await goldenValues('clip-text');
    const model = clipTextModel(config, input('ids', [2, 20], 'int32'), input('ends', [2], 'int32'));
    const files = await openWeightFiles(fixtureFolder('clip-text'));
    const weights = bindWeights(model.parameters, files, 'text encoder', clipAliases);
    const { lastHidden, pooled = lastHidden } = model;
    const session = await runtime.load(exportOnnx({ lastHidden, pooled }, { external: weights }), {
      weightsFolder: files.folder,
    });
    const ids = Int32Array.from(golden.input_ids ?? []);
    const actual = await session.run({ ids, ends: clipEndRows(config, ids, 20) });
    expect(relativeError(actual.lastHidden, golden.last_hidden_state)).toBeLessThan(1e-4);
    expect(relativeError(actual.pooled, golden.pooler_output)).toBeLessThan(1e-4);
  });

  it('finds the end of a text as transformers does', () => {
    const config = parseClipTextConfig({ eos_token_id: 9 });
    expect([...clipEndRows(config, Int32Array.of(1, 9, 9, 1, 3, 12), 3)]).toEqual([1, 3]);
    const old = parseClipTextConfig({ eos_token_id: 2 });
    expect([...clipEndRows(old, Int32Array.of(1, 2, 9, 12, 3, 12), 3)]).toEqual([2, 3]);
  });

  it('has the 196 tensors of ViT-L/14', () => {
    const config = parseClipTextConfig({
      hidden_size: 768,
      intermediate_size: 3072,
      num_hidden_layers: 12,
      num_attention_heads: 12,
    });
    const { parameters } = clipTextModel(config, input('ids', [1, 77], 'int32'));
    expect(parameters.size).toBe(196);
    expect(parameters.get('text_model.embeddings.token_embedding.weight')?.shape).toEqual([49408, 768]);
    expect(parameters.get('text_model.encoder.layers.11.mlp.fc1.weight')?.shape).toEqual([3072, 768]);
    const count = [...parameters.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect(count).toBe(123_060_480);
  });

  it('refuses what it cannot be', () => {
    expect(() => parseClipTextConfig({ hidden_act: 'relu' })).toThrow(/hidden_act "relu" is not supported/);
    expect(() => parseClipTextConfig({ hidden_size: 10, num_attention_heads: 3 })).toThrow(
      /num_attention_heads 3/,
    );
    const config = parseClipTextConfig({ max_position_embeddings: 4 });
    expect(() => clipTextModel(config, input('ids', [1, 5], 'int32'))).toThrow(/max_position_embeddings 4/);
  });
});

describe('CLIP vision tower', () => {
  it('agrees with transformers within 1e-4', async () => {
    const config = parseClipVisionConfig(await fixtureConfig('clip-vision'));
    const golden = await goldenValues('clip-vision');
    const model = clipVisionModel(config, input('pixels', [2, 3, 32, 32]));
    const files = await openWeightFiles(fixtureFolder('clip-vision'));
    const weights = bindWeights(model.parameters, files, 'vision tower', clipAliases);
    const { lastHidden, imageEmbeds = lastHidden } = model;
    const session = await runtime.load(exportOnnx({ lastHidden, imageEmbeds }, { external: weights }), {
      weightsFolder: files.folder,
    });
    const actual = await session.run({ pixels: golden.pixel_values ?? new Float32Array() });
    expect(relativeError(actual.lastHidden, golden.last_hidden_state)).toBeLessThan(1e-4);
    expect(relativeError(actual.imageEmbeds, golden.image_embeds)).toBeLessThan(1e-4);
  });

  it('reads the vision half of a whole CLIP', () => {
    const config = parseClipVisionConfig({
      architectures: ['CLIPModel'],
      vision_config: { image_size: 336, patch_size: 14 },
    });
    expect(config).toMatchObject({ image_size: 336, patch_size: 14, hasProjection: true, hidden_size: 768 });
    expect(() => clipVisionModel(config, input('pixels', [1, 3, 224, 224]))).toThrow(/336/);
  });
});
