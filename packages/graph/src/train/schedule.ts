/** Warm-up followed by a cosine (Loshchilov and Hutter 2017). */
export interface CosineSchedule {
  readonly peak: number;
  /** Steps of linear rise from 0. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** What is left of the peak at the last step. */
  readonly finalFraction: number;
}

/** Learning rate of a step, counted from 1. Stays at its final value beyond the last step. */
export function learningRateAt(step: number, schedule: CosineSchedule): number {
  const { peak, warmupSteps, totalSteps, finalFraction } = schedule;
  if (step <= warmupSteps) return (peak * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return peak * (finalFraction + (1 - finalFraction) * cosine);
}
