import type { Tensor } from '../tensor.js';
import { add, erf, mul, scale, sigmoid } from './elementwise.js';
import { scalar } from './leaf.js';
import { split } from './shape.js';

/** x * sigmoid(x). */
export function silu(x: Tensor): Tensor {
  return mul(x, sigmoid(x));
}

/** x * Phi(x) with the exact error function (Hendrycks and Gimpel 2016). */
export function gelu(x: Tensor): Tensor {
  return mul(scale(x, 0.5), add(erf(scale(x, Math.SQRT1_2)), scalar(1)));
}

/** x * sigmoid(1.702 x), the approximation of {@link gelu} that CLIP uses (ibid.). */
export function quickGelu(x: Tensor): Tensor {
  return mul(x, sigmoid(scale(x, 1.702)));
}

/**
 * The gated half of a feed-forward layer (Shazeer 2020) in the order of diffusers: the last axis holds values, then
 * gates; values * gelu(gates). [..., 2 width] -> [..., width].
 */
export function geglu(x: Tensor): Tensor {
  const [values, gates] = split(x, -1, 2) as [Tensor, Tensor];
  return mul(values, gelu(gates));
}
