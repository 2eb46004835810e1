import { extentOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { add, mul, reciprocal, scale, sqrt, sub } from './elementwise.js';
import { scalar } from './leaf.js';
import { reduceSum } from './reduce.js';

/** Mean over the last axis, which stays as extent 1. */
export function meanLast(x: Tensor): Tensor {
  return scale(reduceSum(x, [-1]), 1 / extentOf(x.shape, -1));
}

/** x / sqrt(mean(x^2) + epsilon) * weight over the last axis (Zhang and Sennrich 2019, eq. 4). weight: [width]. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  const inverseRms = reciprocal(sqrt(add(meanLast(mul(x, x)), scalar(epsilon))));
  return mul(mul(x, inverseRms), weight);
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis (Ba et al. 2016). weight, bias: [width]. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const centred = sub(x, meanLast(x));
  const inverseDeviation = reciprocal(sqrt(add(meanLast(mul(centred, centred)), scalar(epsilon))));
  return add(mul(mul(centred, inverseDeviation), weight), bias);
}
