/** Warm-up followed by a cosine (Loshchilov and Hutter 2017). */
export interface CosineSchedule {
  readonly kind: 'cosine';
  readonly peak: number;
  /** Steps of linear rise from 0. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** What is left of the peak at the last step. */
  readonly finalFraction: number;
}

/**
 * Warm-up, a plateau and a linear fall (Haegele et al. 2024). Before the fall begins the rate does not depend on the
 * total, so a run can be made longer or shorter until then and still be the run that its final length describes.
 */
export interface TrapezoidSchedule {
  readonly kind: 'trapezoid';
  readonly peak: number;
  /** Steps of linear rise from 0. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Share of the steps, at the end, in which the rate falls to 0. */
  readonly fallFraction: number;
}

export type Schedule = CosineSchedule | TrapezoidSchedule;

/** Learning rate of a step, counted from 1. Stays at its final value beyond the last step. */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { peak, warmupSteps, totalSteps } = schedule;
  if (step <= warmupSteps) return (peak * step) / warmupSteps;
  if (schedule.kind === 'trapezoid') {
    const fallSteps = Math.max(1, Math.round(totalSteps * schedule.fallFraction));
    return peak * Math.max(0, Math.min(1, (totalSteps + 1 - step) / fallSteps));
  }
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return peak * (schedule.finalFraction + (1 - schedule.finalFraction) * cosine);
}
