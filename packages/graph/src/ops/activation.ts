import type { Tensor } from '../tensor.js';
import { add, erf, mul, scale, sigmoid } from './elementwise.js';
import { scalar } from './leaf.js';

/** x * sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return mul(x, sigmoid(x));
}

/** x * Phi(x) with the exact error function (Hendrycks and Gimpel 2016). */
export function gelu(x: Tensor): Tensor {
  return mul(scale(x, 0.5), add(erf(scale(x, Math.SQRT1_2)), scalar(1)));
}
