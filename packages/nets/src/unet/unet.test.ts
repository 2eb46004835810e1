import { exportOnnx, GraphRuntime, input } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigJson } from '../config-reader.js';
import { fixtureConfig, fixtureFolder, goldenValues, relativeError } from '../testing/golden.js';
import { bindWeights } from '../weights/bind.js';
import { openWeightFiles } from '../weights/weight-files.js';
import { parseUnetConfig } from './config.js';
import { type Unet, type UnetInputs, unet } from './unet.js';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
});
afterAll(() => runtime.close());

const stableDiffusion = { cross_attention_dim: 768, in_channels: 4, sample_size: 64 };

function inputsOf(channels: number, size: number, textWidth: number, batch = 1): UnetInputs {
  return {
    sample: input('sample', [batch, channels, size, size]),
    timestep: input('timestep', [batch]),
    encoderHiddenStates: input('text', [batch, 77, textWidth]),
  };
}

function build(change: ConfigJson, size = 8): Unet {
  const config = parseUnetConfig({ ...stableDiffusion, ...change });
  return unet(config, inputsOf(config.in_channels, size, config.cross_attention_dim[0] ?? 0));
}

const countOf = ({ parameters }: Unet): number =>
  [...parameters.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

describe('UNet2DConditionModel', () => {
  it('agrees with diffusers within 1e-4', async () => {
    const config = parseUnetConfig(await fixtureConfig('unet'));
    const golden = await goldenValues('unet');
    const model = unet(config, {
      sample: input('sample', [3, 8, 16, 16]),
      timestep: input('timestep', [3]),
      encoderHiddenStates: input('text', [3, 20, 32]),
    });
    const files = await openWeightFiles(fixtureFolder('unet'));
    const weights = bindWeights(model.parameters, files, 'unet');
    const session = await runtime.load(exportOnnx({ output: model.output }, { external: weights }), {
      weightsFolder: files.folder,
    });
    const { output } = await session.run({
      sample: golden.sample ?? new Float32Array(),
      timestep: golden.timestep ?? new Float32Array(),
      text: golden.encoder_hidden_states ?? new Float32Array(),
    });
    expect(relativeError(output, golden.out)).toBeLessThan(1e-4);
  });

  it('uses every tensor of the file', async () => {
    const config = parseUnetConfig(await fixtureConfig('unet'));
    const { parameters } = unet(config, {
      ...inputsOf(8, 16, 32),
      encoderHiddenStates: input('text', [1, 20, 32]),
    });
    const files = await openWeightFiles(fixtureFolder('unet'));
    expect([...parameters.keys()].sort()).toEqual([...files.tensors.keys()].sort());
  });

  it('has the 686 tensors of Stable Diffusion 1.5 and InstructPix2Pix', () => {
    const four = build({});
    expect(four.parameters.size).toBe(686);
    expect(countOf(four)).toBe(859_520_964);
    const eight = build({ in_channels: 8 });
    expect(eight.parameters.size).toBe(686);
    expect(countOf(eight)).toBe(859_532_484);
    const shapeOf = (name: string): readonly number[] | undefined => eight.parameters.get(name)?.shape;
    expect(shapeOf('conv_in.weight')).toEqual([320, 8, 3, 3]);
    expect([0, 1, 2, 3].map((b) => shapeOf(`up_blocks.${b}.resnets.0.conv1.weight`)?.[1])).toEqual([
      2560, 2560, 1920, 960,
    ]);
    expect(shapeOf('down_blocks.0.attentions.0.proj_in.weight')).toEqual([320, 320, 1, 1]);
    expect(shapeOf('mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight')).toEqual([1280, 768]);
    expect(shapeOf('down_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj.weight')).toEqual([
      5120, 640,
    ]);
  });

  it('has the 686 tensors of Stable Diffusion 2', () => {
    const two = build({
      cross_attention_dim: 1024,
      attention_head_dim: [5, 10, 20, 20],
      use_linear_projection: true,
    });
    expect(two.parameters.size).toBe(686);
    expect(countOf(two)).toBe(865_910_724);
    expect(two.parameters.get('down_blocks.0.attentions.0.proj_in.weight')?.shape).toEqual([320, 320]);
  });

  it('honours other layouts of blocks', () => {
    const small = build({
      block_out_channels: [32, 64],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
      layers_per_block: [1, 2],
      transformer_layers_per_block: [1, 3],
      mid_block_type: 'UNetMidBlock2D',
      resnet_time_scale_shift: 'scale_shift',
      conv_in_kernel: 1,
      time_embedding_dim: 96,
    });
    const names = [...small.parameters.keys()];
    expect(names.filter((name) => name.startsWith('mid_block.resnets.1'))).toEqual([]);
    expect(names).toContain('down_blocks.1.attentions.1.transformer_blocks.2.attn1.to_q.weight');
    expect(names.some((name) => name.startsWith('down_blocks.0.attentions'))).toBe(false);
    expect(names).toContain('up_blocks.0.resnets.2.conv1.weight');
    expect(names).not.toContain('up_blocks.1.resnets.2.conv1.weight');
    const shapeOf = (name: string): readonly number[] | undefined => small.parameters.get(name)?.shape;
    expect(shapeOf('conv_in.weight')).toEqual([32, 4, 1, 1]);
    expect(shapeOf('down_blocks.0.resnets.0.time_emb_proj.weight')).toEqual([64, 96]);
    expect(build({ mid_block_type: null }).parameters.size).toBeLessThan(686);
  });

  it.each<[string, RegExp, ConfigJson]>([
    [
      'block types',
      /down_block_types "AttnDownBlock2D" is not supported; supported: CrossAttn/,
      {
        down_block_types: ['AttnDownBlock2D'],
      },
    ],
    ['class embeddings', /class_embed_type "timestep"/, { class_embed_type: 'timestep' }],
    ['added embeddings', /addition_embed_type "text_time"/, { addition_embed_type: 'text_time' }],
    [
      'heads of the pooled text that do not divide',
      /addition_embed_type_num_heads 7 does not divide cross_attention_dim 768/,
      { addition_embed_type: 'text', addition_embed_type_num_heads: 7 },
    ],
    ['a shift of all frequencies', /freq_shift 160 must be below 160/, { freq_shift: 160 }],
    ['Fourier time', /time_embedding_type "fourier"/, { time_embedding_type: 'fourier' }],
    ['gated attention', /attention_type "gated"/, { attention_type: 'gated' }],
    [
      'lists of another length',
      /attention_head_dim has 2 entries for 4 blocks/,
      { attention_head_dim: [8, 8] },
    ],
    ['heads that do not divide', /attention_head_dim .* 7 does not divide 320/, { attention_head_dim: 7 }],
    ['groups that do not divide', /norm_num_groups 30 does not divide 320/, { norm_num_groups: 30 }],
    ['no groups', /norm_num_groups null/, { norm_num_groups: null }],
    ['explicit head counts', /num_attention_heads 8/, { num_attention_heads: 8 }],
    ['activations', /act_fn "mish"/, { act_fn: 'mish' }],
    ['another class', /_class_name "UNet3DConditionModel"/, { _class_name: 'UNet3DConditionModel' }],
    ['absurd numbers', /layers_per_block must be .* to 1000/, { layers_per_block: 1e9 }],
    [
      'a depth beyond reason',
      /more than 1000/,
      { layers_per_block: 1000, transformer_layers_per_block: 1000 },
    ],
    ['unequal ways', /up_block_types has 1 entries/, { up_block_types: ['UpBlock2D'] }],
  ])('refuses %s that it does not have', (_, message, change) => {
    expect(() => parseUnetConfig({ ...stableDiffusion, ...change })).toThrow(message);
  });

  it('takes sides that do not halve evenly, by nearest neighbours cut at the end', () => {
    expect(build({}, 13).output.shape).toEqual([1, 4, 13, 13]);
    for (let n = 2; n <= 65; n++) {
      const nearest = Array.from({ length: 2 * n - 1 }, (_, i) => Math.floor((i * n) / (2 * n - 1)));
      expect(nearest).toEqual(nearest.map((_, i) => Math.floor(i / 2)));
    }
  });

  it('refuses inputs of another shape', () => {
    const config = parseUnetConfig(stableDiffusion);
    expect(() => unet(config, inputsOf(8, 8, 768))).toThrow(/sample must be \[batch, 4/);
    expect(() => unet(config, inputsOf(4, 8, 1024))).toThrow(/cross_attention_dim: 768/);
  });
});
