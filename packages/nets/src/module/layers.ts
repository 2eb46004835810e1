import {
  type Conv2dOptions,
  conv2d,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  quickGelu,
  reshape,
  silu,
  type Tensor,
} from '@triptych/graph';
import type { ParameterScope } from './scope.js';

// Layers with their parameters under the names that torch gives them: weight and bias.

/** Activations by the names of transformers and diffusers. */
export const ACTIVATIONS = { silu, swish: silu, gelu, quick_gelu: quickGelu } as const;
export type ActivationName = keyof typeof ACTIVATIONS;

/** The extent of an axis that is known to exist. */
export function extent(x: Tensor, axis: number): number {
  return x.shape.at(axis) ?? 0;
}

/** `nn.Linear` over the last axis of x [..., in] -> [..., out]. */
export function linearLayer(
  scope: ParameterScope,
  x: Tensor,
  out: number,
  { hasBias = true }: { readonly hasBias?: boolean } = {},
): Tensor {
  const width = extent(x, -1);
  const weight = scope.weight('weight', [out, width]);
  const bias = hasBias ? scope.weight('bias', [out]) : undefined;
  const rows = x.shape.slice(0, -1);
  const flat = reshape(x, [rows.reduce((product, size) => product * size, 1), width]);
  return reshape(linear(flat, weight, bias), [...rows, out]);
}

/** `nn.Conv2d` over x [batch, in, height, width]. */
export function convLayer(
  scope: ParameterScope,
  x: Tensor,
  out: number,
  {
    kernel,
    hasBias = true,
    ...options
  }: Conv2dOptions & { readonly kernel: number; readonly hasBias?: boolean },
): Tensor {
  const weight = scope.weight('weight', [out, extent(x, 1), kernel, kernel]);
  const bias = hasBias ? scope.weight('bias', [out]) : undefined;
  return conv2d(x, weight, { ...options, bias });
}

/** `nn.GroupNorm` over x [batch, channels, ...]. */
export function groupNormLayer(scope: ParameterScope, x: Tensor, groups: number, epsilon: number): Tensor {
  const channels = extent(x, 1);
  return groupNorm(x, scope.weight('weight', [channels]), scope.weight('bias', [channels]), groups, epsilon);
}

/** `nn.LayerNorm` over the last axis. */
export function layerNormLayer(scope: ParameterScope, x: Tensor, epsilon: number): Tensor {
  const width = extent(x, -1);
  return layerNorm(x, scope.weight('weight', [width]), scope.weight('bias', [width]), epsilon);
}
