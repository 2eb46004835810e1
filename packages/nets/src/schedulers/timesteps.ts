import { NetworkError } from '../errors.js';
import type { SchedulerConfig } from './config.js';

/** Rounds halves to the even neighbour, as numpy does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` values from start to end, both included. */
export function evenlySpaced(start: number, end: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 && count > 1 ? end : start + (i * (end - start)) / Math.max(1, count - 1),
  );
}

/** @throws NetworkError `invalid_argument` unless 1 <= steps <= num_train_timesteps */
export function checkSteps(steps: number, config: SchedulerConfig): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > config.num_train_timesteps) {
    throw new NetworkError(
      'invalid_argument',
      `steps must be a whole number from 1 to num_train_timesteps = ${config.num_train_timesteps}, got ${steps}`,
    );
  }
}

/**
 * The timesteps of a run, descending (Lin et al. 2023, table 2): `linspace` spans the whole range, `leading` counts up
 * from steps_offset, `trailing` counts down from the end.
 */
export function spacedTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { num_train_timesteps: total, timestep_spacing: spacing, steps_offset: offset } = config;
  switch (spacing) {
    case 'linspace':
      return evenlySpaced(0, total - 1, steps).reverse();
    case 'leading': {
      const stride = Math.floor(total / steps);
      return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * stride + offset);
    }
    case 'trailing':
      // Without the bound, rounding gives one more for some numbers of steps: timestep -1.
      return countDown(total, total / steps).slice(0, steps);
  }
}

/** from - 1, from - stride - 1, ... while the value before the 1 is taken off is above 0, rounded. */
export function countDown(from: number, stride: number): number[] {
  const count = Math.ceil(from / stride);
  return Array.from({ length: count }, (_, i) => roundHalfEven(from - i * stride) - 1);
}
