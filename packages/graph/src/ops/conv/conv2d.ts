import type { Tensor } from '../../tensor.js';
import { type Conv2dOptions, convGeometry } from './geometry.js';
import { applyConv2d } from './records.js';

/**
 * Convolution in the layouts of `torch.nn.Conv2d`: x [batch, in, height, width], weight [out, in / groups, kernelHeight,
 * kernelWidth], bias [out] -> [batch, out, floor((height + padding - span) / stride) + 1, ...].
 * @throws GraphError `shape_mismatch`, `invalid_attribute` or `dtype_mismatch`.
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  options: Conv2dOptions & { readonly bias?: Tensor | undefined } = {},
): Tensor {
  return applyConv2d(x, weight, options.bias, convGeometry(options));
}
