import { GraphError } from '../errors.js';

/** A running average of the parameters, which generates better than the last values (Polyak and Juditsky 1992). */
export interface AverageOptions {
  /** Share of the average that is kept at each step, in [0, 1); 0.999 by default. */
  readonly decay: number;
  /**
   * Keep less in the beginning, min(decay, (1 + step) / (10 + step)), so that initial values are soon forgotten.
   * True by default.
   */
  readonly isWarmedUp: boolean;
}

export const DEFAULT_AVERAGE: AverageOptions = { decay: 0.999, isWarmedUp: true };

/** Fills in defaults. @throws GraphError `invalid_attribute` if the decay is outside [0, 1). */
export function averageOptions(options: Partial<AverageOptions>): AverageOptions {
  const complete = { ...DEFAULT_AVERAGE, ...options };
  if (!(complete.decay >= 0 && complete.decay < 1)) {
    throw new GraphError('invalid_attribute', `average.decay must be in [0, 1), got ${complete.decay}`);
  }
  return complete;
}

/** Share of the average that is kept at a step, counted from 1. */
export function keptShare(step: number, { decay, isWarmedUp }: AverageOptions): number {
  return isWarmedUp ? Math.min(decay, (1 + step) / (10 + step)) : decay;
}

/** Moves the average towards the parameter, in place. */
export function updateAverage(average: Float32Array, parameter: Float32Array, kept: number): void {
  const taken = 1 - kept;
  for (let k = 0; k < average.length; k++) {
    const value = average[k] as number;
    average[k] = value + taken * ((parameter[k] as number) - value);
  }
}
