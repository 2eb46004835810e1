import { GraphError } from '../../errors.js';
import { extentOf, sameShape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { add } from '../elementwise.js';
import { reshape } from '../shape.js';
import { type Conv2dOptions, convGeometry, kernelSpan, sizeOf } from './geometry.js';
import { convInputGradient } from './records.js';

/** Options of {@link convTranspose2d}. */
export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** [out]. */
  readonly bias?: Tensor | undefined;
  /** Rows and columns added below and to the right, less than the stride; 0 by default. */
  readonly outputPadding?: number | readonly [number, number];
}

/**
 * Transposed convolution in the layouts of `torch.nn.ConvTranspose2d`: x [batch, in, height, width], weight [in, out /
 * groups, kernelHeight, kernelWidth] -> [batch, out, (height - 1) stride - padding + span + outputPadding, ...].
 * @throws GraphError `shape_mismatch`, `invalid_attribute` or `dtype_mismatch`.
 */
export function convTranspose2d(x: Tensor, weight: Tensor, options: ConvTranspose2dOptions = {}): Tensor {
  const geometry = convGeometry(options);
  if (x.shape.length !== 4 || weight.shape.length !== 4) {
    throw new GraphError(
      'shape_mismatch',
      `convTranspose2d needs four axes each, got x [${x.shape}] and weight [${weight.shape}]`,
    );
  }
  const { outputPadding = 0, bias } = options;
  const extra = typeof outputPadding === 'number' ? [outputPadding, outputPadding] : outputPadding;
  const along = (axis: 0 | 1): number =>
    (extentOf(x.shape, axis + 2) - 1) * geometry.stride[axis] +
    kernelSpan(sizeOf(weight.shape), geometry, axis) -
    geometry.pads[axis] -
    geometry.pads[axis + 2]! +
    (extra[axis] ?? 0);
  const y = convInputGradient(x, weight, geometry, [along(0), along(1)]);
  if (bias === undefined) return y;
  const channels = extentOf(y.shape, 1);
  if (!sameShape(bias.shape, [channels])) {
    throw new GraphError('shape_mismatch', `convTranspose2d needs a bias [${channels}], got [${bias.shape}]`);
  }
  return add(y, reshape(bias, [1, channels, 1, 1]));
}
