import { add, mul, reshape, scalar, scale, split, type Tensor } from '@triptych/graph';
import {
  ACTIVATIONS,
  type ActivationName,
  convLayer,
  extent,
  groupNormLayer,
  linearLayer,
} from './layers.js';
import type { ParameterScope } from './scope.js';

/** Settings of diffusers' `ResnetBlock2D`. */
export interface ResnetSettings {
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: ActivationName;
  /** The time embedding is added to the features, or scales and shifts them after the second norm. */
  readonly timeScaleShift?: 'default' | 'scale_shift';
  /** The time embedding is projected as it is, without an activation before. */
  readonly skipTimeActivation?: boolean;
  /** Divides the sum of input and branch. */
  readonly outputScale?: number;
}

/**
 * A residual block: norm, activation, 3x3 convolution, twice; the time enters in between.
 * @param x [batch, channels, height, width]
 * @param time [batch, width], or `undefined` in networks without time
 */
export function resnetBlock(
  scope: ParameterScope,
  x: Tensor,
  out: number,
  settings: ResnetSettings,
  time?: Tensor,
): Tensor {
  const { groups, epsilon, timeScaleShift = 'default', outputScale = 1 } = settings;
  const activate = ACTIVATIONS[settings.activation];
  const conv = (name: string, input: Tensor): Tensor =>
    convLayer(scope.in(name), input, out, { kernel: 3, padding: 1 });
  let hidden = conv('conv1', activate(groupNormLayer(scope.in('norm1'), x, groups, epsilon)));
  let shift: Tensor | undefined;
  let factor: Tensor | undefined;
  if (time !== undefined) {
    const isScaled = timeScaleShift === 'scale_shift';
    const active = settings.skipTimeActivation === true ? time : activate(time);
    const width = isScaled ? 2 * out : out;
    const projected = linearLayer(scope.in('time_emb_proj'), active, width);
    const perChannel = reshape(projected, [extent(time, 0), width, 1, 1]);
    if (isScaled) [factor, shift] = split(perChannel, 1, 2);
    else hidden = add(hidden, perChannel);
  }
  hidden = groupNormLayer(scope.in('norm2'), hidden, groups, epsilon);
  if (factor !== undefined && shift !== undefined) hidden = add(mul(hidden, add(factor, scalar(1))), shift);
  hidden = conv('conv2', activate(hidden));
  const skip = extent(x, 1) === out ? x : convLayer(scope.in('conv_shortcut'), x, out, { kernel: 1 });
  const sum = add(skip, hidden);
  return outputScale === 1 ? sum : scale(sum, 1 / outputScale);
}
