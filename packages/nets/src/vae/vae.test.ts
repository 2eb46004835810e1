import { exportOnnx, GraphRuntime, input } from '@triptych/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtureConfig, fixtureFolder, goldenValues, relativeError } from '../testing/golden.js';
import { bindWeights } from '../weights/bind.js';
import { openWeightFiles } from '../weights/weight-files.js';
import { vaeDecoder, vaeEncoder } from './autoencoder.js';
import { parseVaeConfig } from './config.js';

let runtime: GraphRuntime;
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
});
afterAll(() => runtime.close());

const stableDiffusion = {
  block_out_channels: [128, 256, 512, 512],
  down_block_types: new Array(4).fill('DownEncoderBlock2D'),
  up_block_types: new Array(4).fill('UpDecoderBlock2D'),
  layers_per_block: 2,
  sample_size: 512,
};

describe('AutoencoderKL', () => {
  it('agrees with diffusers within 1e-4', async () => {
    const config = parseVaeConfig(await fixtureConfig('vae'));
    const golden = await goldenValues('vae');
    const files = await openWeightFiles(fixtureFolder('vae'));
    const encoder = vaeEncoder(config, input('image', [2, 3, 32, 32]));
    const { mean, logvar } = encoder;
    const encode = await runtime.load(
      exportOnnx({ mean, logvar }, { external: bindWeights(encoder.parameters, files, 'vae') }),
      { weightsFolder: files.folder },
    );
    const posterior = await encode.run({ image: golden.image ?? new Float32Array() });
    expect(relativeError(posterior.mean, golden.mean)).toBeLessThan(1e-4);
    expect(relativeError(posterior.logvar, golden.logvar)).toBeLessThan(1e-4);

    const decoder = vaeDecoder(config, input('latent', [2, 4, 8, 8]));
    const decode = await runtime.load(
      exportOnnx({ image: decoder.image }, { external: bindWeights(decoder.parameters, files, 'vae') }),
      { weightsFolder: files.folder },
    );
    const { image } = await decode.run({ latent: golden.mean ?? new Float32Array() });
    expect(relativeError(image, golden.decoded_mode)).toBeLessThan(1e-4);
  });

  it('has the 248 tensors of Stable Diffusion', () => {
    const config = parseVaeConfig(stableDiffusion);
    const encoder = vaeEncoder(config, input('image', [1, 3, 64, 64]));
    const decoder = vaeDecoder(config, input('latent', [1, 4, 8, 8]));
    const parameters = new Map([...encoder.parameters, ...decoder.parameters]);
    expect(parameters.size).toBe(248);
    expect(parameters.get('encoder.mid_block.attentions.0.to_q.weight')?.shape).toEqual([512, 512]);
    expect(parameters.get('decoder.up_blocks.2.resnets.0.conv_shortcut.weight')?.shape).toEqual([
      256, 512, 1, 1,
    ]);
    expect(parameters.get('quant_conv.weight')?.shape).toEqual([8, 8, 1, 1]);
    const count = [...parameters.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect(count).toBe(83_653_863);
  });

  it('leaves away what the configuration leaves away', () => {
    const config = parseVaeConfig({
      ...stableDiffusion,
      mid_block_add_attention: false,
      use_quant_conv: false,
      use_post_quant_conv: false,
    });
    const { parameters } = vaeEncoder(config, input('image', [1, 3, 64, 64]));
    expect([...parameters.keys()].filter((name) => /attentions|quant/.test(name))).toEqual([]);
  });

  it.each<[string, RegExp, object]>([
    [
      'blocks with attention',
      /down_block_types "AttnDownEncoderBlock2D" is not supported/,
      {
        down_block_types: ['AttnDownEncoderBlock2D'],
      },
    ],
    ['lists of different lengths', /up_block_types has 1 entries/, { up_block_types: ['UpDecoderBlock2D'] }],
    ['groups that do not fit', /norm_num_groups 33 does not divide 128/, { norm_num_groups: 33 }],
    ['per-channel latent statistics', /latents_mean is not supported/, { latents_mean: [0] }],
    ['another class', /_class_name "VQModel"/, { _class_name: 'VQModel' }],
    ['no layers', /layers_per_block must be a whole number from 1 to 1000, got 0/, { layers_per_block: 0 }],
  ])('refuses %s', (_, message, change) => {
    expect(() => parseVaeConfig({ ...stableDiffusion, ...change })).toThrow(message);
  });

  it('refuses images that do not divide into latents', () => {
    expect(() => vaeEncoder(parseVaeConfig(stableDiffusion), input('image', [1, 3, 60, 64]))).toThrow(
      /that 8 divides/,
    );
  });
});
