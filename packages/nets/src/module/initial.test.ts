import { evaluateReference, input, Random } from '@triptych/graph';
import { describe, expect, it } from 'vitest';
import { parseUnetConfig } from '../unet/config.js';
import { unet } from '../unet/unet.js';
import { initialWeights, widenInputChannels } from './initial.js';

const tiny = {
  block_out_channels: [4, 8],
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
  layers_per_block: 1,
  norm_num_groups: 2,
  cross_attention_dim: 4,
  attention_head_dim: 2,
};

function build(channels: number): ReturnType<typeof unet> {
  return unet(parseUnetConfig({ ...tiny, in_channels: channels }), {
    sample: input('sample', [1, channels, 4, 4]),
    timestep: input('timestep', [1]),
    encoderHiddenStates: input('text', [1, 3, 4]),
  });
}

describe('initialWeights', () => {
  it('follow the seed, with norms that leave their input alone', () => {
    const { parameters } = build(4);
    const weights = initialWeights(parameters, new Random(1));
    expect(initialWeights(parameters, new Random(1))).toEqual(weights);
    expect(Object.keys(weights)).toEqual([...parameters.keys()]);
    expect([...new Set(weights['conv_norm_out.weight'])]).toEqual([1]);
    expect([...new Set(weights['conv_norm_out.bias'])]).toEqual([0]);
    const bound = 1 / Math.sqrt(4 * 9);
    expect(Math.max(...(weights['conv_in.weight'] ?? []).map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...(weights['conv_in.bias'] ?? []).map(Math.abs))).toBeLessThanOrEqual(bound);
  });
});

describe('widenInputChannels', () => {
  it('starts an editing network as the exact copy of a generating one', () => {
    const four = build(4);
    const weights = initialWeights(four.parameters, new Random(2));
    const random = new Random(3);
    const draw = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
    const [noisy, image, text] = [draw(64), draw(64), draw(12)];
    const feeds = { timestep: [300], text };
    const [old] = evaluateReference([four.output], { ...weights, ...feeds, sample: noisy });
    const widened = widenInputChannels(weights['conv_in.weight'] ?? new Float32Array(), [4, 4, 3, 3], 8);
    const [edited] = evaluateReference([build(8).output], {
      ...weights,
      ...feeds,
      'conv_in.weight': widened,
      sample: Float32Array.of(...noisy, ...image),
    });
    expect(edited).toEqual(old);
  });

  it('refuses what does not fit', () => {
    expect(() => widenInputChannels(new Float32Array(4), [1, 4, 1, 1], 2)).toThrow(/to 2 input channels/);
    expect(() => widenInputChannels(new Float32Array(5), [1, 4, 1, 1], 8)).toThrow(/5 values/);
  });
});
