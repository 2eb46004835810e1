import { GraphError } from '../errors.js';
import { extentOf } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { cos, mul, sin } from './elementwise.js';
import { constant } from './leaf.js';
import { concat, reshape } from './shape.js';

/** Options of {@link timestepEmbedding}, with the names and defaults of diffusers' `Timesteps`. */
export interface TimestepOptions {
  /** Cosines before sines; false by default. */
  readonly flipSinToCos?: boolean;
  /** Taken from the number of frequencies before dividing; 1 by default (0 in Stable Diffusion). */
  readonly frequencyShift?: number;
  /** Longest period divided by 2 pi; 10,000 by default. */
  readonly maxPeriod?: number;
}

/**
 * Sinusoidal embedding of diffusion times (Ho et al. 2020): timesteps [batch], in steps, float32 -> [batch, width].
 * Frequency k of width / 2 is maxPeriod^(-k / (width / 2 - frequencyShift)).
 * @throws GraphError `shape_mismatch` unless the timesteps are a vector, `invalid_attribute` for an odd width or a shift that is not
 * below its half.
 */
export function timestepEmbedding(timesteps: Tensor, width: number, options: TimestepOptions = {}): Tensor {
  const { flipSinToCos = false, frequencyShift = 1, maxPeriod = 10_000 } = options;
  if (timesteps.shape.length !== 1) {
    throw new GraphError('shape_mismatch', `timesteps must be a vector, got [${timesteps.shape}]`);
  }
  if (!Number.isInteger(width / 2) || width < 2) {
    throw new GraphError('invalid_attribute', `the width of a timestep embedding must be even, got ${width}`);
  }
  const half = width / 2;
  if (!(frequencyShift < half)) {
    throw new GraphError(
      'invalid_attribute',
      `the frequency shift of a timestep embedding must be below ${half}, half its width, got ${frequencyShift}`,
    );
  }
  const frequencies = Float32Array.from({ length: half }, (_, k) =>
    Math.exp((-Math.log(maxPeriod) * k) / (half - frequencyShift)),
  );
  const column = reshape(timesteps, [extentOf(timesteps.shape, 0), 1]);
  const angles = mul(column, constant(frequencies, [half]));
  return concat(flipSinToCos ? [cos(angles), sin(angles)] : [sin(angles), cos(angles)], -1);
}
