import { GraphError } from '../../errors.js';
import { extentOf } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { reshape } from '../shape.js';
import { conv2d } from './conv2d.js';
import type { Conv2dOptions } from './geometry.js';
import { convTranspose2d } from './transpose2d.js';

/** How a kernel moves over a signal, in samples. */
export interface Conv1dOptions {
  /** [out]. */
  readonly bias?: Tensor | undefined;
  readonly stride?: number;
  /** Zeros at both ends, or [before, after]; 0 by default. */
  readonly padding?: number | readonly [number, number];
  readonly dilation?: number;
  readonly groups?: number;
}

/** Options of {@link convTranspose1d}. */
export interface ConvTranspose1dOptions extends Conv1dOptions {
  /** Samples added at the end, less than the stride; 0 by default. */
  readonly outputPadding?: number;
}

/** Convolution in the layouts of `torch.nn.Conv1d`: x [batch, in, length], weight [out, in / groups, kernel]. */
export function conv1d(x: Tensor, weight: Tensor, options: Conv1dOptions = {}): Tensor {
  const y = conv2d(asRow(x, 'x'), asRow(weight, 'weight'), { ...rowOptions(options), bias: options.bias });
  return reshape(y, [extentOf(y.shape, 0), extentOf(y.shape, 1), extentOf(y.shape, 3)]);
}

/** Transposed convolution in the layouts of `torch.nn.ConvTranspose1d`: weight [in, out / groups, kernel]. */
export function convTranspose1d(x: Tensor, weight: Tensor, options: ConvTranspose1dOptions = {}): Tensor {
  const y = convTranspose2d(asRow(x, 'x'), asRow(weight, 'weight'), {
    ...rowOptions(options),
    bias: options.bias,
    outputPadding: [0, options.outputPadding ?? 0],
  });
  return reshape(y, [extentOf(y.shape, 0), extentOf(y.shape, 1), extentOf(y.shape, 3)]);
}

function rowOptions({ stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv1dOptions): Conv2dOptions {
  const [left, right] = typeof padding === 'number' ? [padding, padding] : padding;
  return {
    stride: [1, stride],
    padding: { top: 0, left, bottom: 0, right },
    dilation: [1, dilation],
    groups,
  };
}

/** A signal is an image of one row. */
function asRow(tensor: Tensor, what: string): Tensor {
  const [a, b, length] = tensor.shape;
  if (a === undefined || b === undefined || length === undefined || tensor.shape.length !== 3) {
    throw new GraphError('shape_mismatch', `conv1d needs ${what} with three axes, got [${tensor.shape}]`);
  }
  return reshape(tensor, [a, b, 1, length]);
}
