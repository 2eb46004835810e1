import { type Tensor, upsampleNearest } from '@triptych/graph';
import { convLayer, extent } from './layers.js';
import type { ParameterScope } from './scope.js';

/**
 * Halves an image with a strided 3x3 convolution. Padding 1 is on all sides; padding 0 adds a row below and a column to
 * the right, as diffusers' `Downsample2D` (and the encoder of latent diffusion) does.
 */
export function downsample(scope: ParameterScope, x: Tensor, padding: number): Tensor {
  return convLayer(scope.in('conv'), x, extent(x, 1), {
    kernel: 3,
    stride: 2,
    padding: padding === 0 ? { top: 0, left: 0, bottom: 1, right: 1 } : padding,
  });
}

/** Doubles an image: nearest neighbour, then a 3x3 convolution. */
export function upsample(scope: ParameterScope, x: Tensor): Tensor {
  return convLayer(scope.in('conv'), upsampleNearest(x, 2), extent(x, 1), { kernel: 3, padding: 1 });
}
