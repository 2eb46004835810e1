import type { Random, Shape, Tensor } from '@triptych/graph';
import { NetworkError } from '../errors.js';

/**
 * Random initial weights for training from nothing, as torch's layers draw them: uniform within 1 / sqrt(inputs) for
 * weights and biases of linear layers and convolutions, ones and zeros for norms, N(0, 0.02^2) for embeddings.
 * @param parameters of a network built here, in their order; the same seed gives the same weights
 */
export function initialWeights(
  parameters: ReadonlyMap<string, Tensor>,
  random: Random,
): Record<string, Float32Array> {
  const weights: Record<string, Float32Array> = {};
  for (const [name, { shape }] of parameters) {
    const fill = fillOf(name, shape, parameters, random);
    weights[name] = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, fill);
  }
  return weights;
}

function fillOf(
  name: string,
  shape: Shape,
  parameters: ReadonlyMap<string, Tensor>,
  random: Random,
): () => number {
  if (name.includes('embeddings.')) return () => 0.02 * random.normal();
  const weight = parameters.get(name.replace(/bias$/, 'weight'));
  const isNorm = (weight?.shape.length ?? shape.length) === 1;
  if (isNorm) return () => (name.endsWith('bias') ? 0 : 1);
  const fanIn = (weight?.shape ?? shape).slice(1).reduce((a, b) => a * b, 1);
  const bound = 1 / Math.sqrt(fanIn);
  return () => (2 * random.uniform() - 1) * bound;
}

/**
 * The weight of a convolution [out, in, height, width] widened to more input channels, the new ones zero: how an
 * InstructPix2Pix starts from a text-to-image U-Net. The widened network computes what the old one did, bit for bit,
 * whatever the new channels hold.
 * @throws NetworkError `invalid_argument` unless the data fills the shape and there are at least as many channels after
 */
export function widenInputChannels(data: Float32Array, shape: Shape, inputChannels: number): Float32Array {
  const [out = 0, from = 0, ...kernel] = shape;
  const area = kernel.reduce((a, b) => a * b, 1);
  if (data.length !== out * from * area || !(inputChannels >= from) || !Number.isInteger(inputChannels)) {
    throw new NetworkError(
      'invalid_argument',
      `cannot widen ${data.length} values of [${shape}] to ${inputChannels} input channels`,
    );
  }
  const widened = new Float32Array(out * inputChannels * area);
  for (let row = 0; row < out; row++) {
    widened.set(data.subarray(row * from * area, (row + 1) * from * area), row * inputChannels * area);
  }
  return widened;
}
