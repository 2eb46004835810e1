import { slice, type Tensor, upsampleNearest } from '@triptych/graph';
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

/**
 * Doubles an image: nearest neighbour, then a 3x3 convolution.
 * @param size [height, width] to reach instead, one pixel less where an odd side was halved. Nearest neighbours of 2n - 1
 *   out of n pixels are those of 2n without the last, so cutting is what diffusers' interpolation does.
 */
export function upsample(scope: ParameterScope, x: Tensor, size?: readonly [number, number]): Tensor {
  const doubled = upsampleNearest(x, 2);
  const [height, width] = size ?? [extent(doubled, 2), extent(doubled, 3)];
  const rows = height === extent(doubled, 2) ? doubled : slice(doubled, 2, 0, height);
  const cut = width === extent(doubled, 3) ? rows : slice(rows, 3, 0, width);
  return convLayer(scope.in('conv'), cut, extent(x, 1), { kernel: 3, padding: 1 });
}
