import type { SchedulerConfig } from './config.js';
import { evenlySpaced } from './timesteps.js';

/** Exponent of the schedule of Karras et al. (2022), eq. 5. */
const RHO = 7;

/** Value of a table at a fractional index; the ends are constant. */
export function interpolate(table: Float32Array, index: number): number {
  const last = table.length - 1;
  const low = Math.min(Math.max(Math.floor(index), 0), last);
  const high = Math.min(low + 1, last);
  const weight = Math.min(Math.max(index - low, 0), 1);
  const from = table[low] ?? Number.NaN;
  return from + weight * ((table[high] ?? Number.NaN) - from);
}

/** Steps evenly spaced in sigma^(1/7), from high to low. */
export function karrasSigmas(high: number, low: number, steps: number): number[] {
  const [from, to] = [high ** (1 / RHO), low ** (1 / RHO)];
  return evenlySpaced(0, 1, steps).map((ramp) => (from + ramp * (to - from)) ** RHO);
}

/** Steps evenly spaced in log sigma, from high to low. */
export function exponentialSigmas(high: number, low: number, steps: number): number[] {
  return evenlySpaced(Math.log(high), Math.log(low), steps).map(Math.exp);
}

/** The fractional timestep whose sigma this is, by interpolation of log sigma. */
export function timestepOfSigma(sigma: number, training: Float32Array): number {
  const target = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  for (let i = 0; i < training.length; i++) {
    if (Math.log(training[i] ?? 0) <= target) low = i;
    else break;
  }
  low = Math.min(low, Math.max(training.length - 2, 0));
  const [from, to] = [Math.log(training[low] ?? 1), Math.log(training[low + 1] ?? training[low] ?? 1)];
  const weight = from === to ? 0 : Math.min(Math.max((from - target) / (from - to), 0), 1);
  return (1 - weight) * low + weight * (low + 1);
}

/** Karras or exponential sigmas between the ends (or those of the configuration); `undefined` if neither is asked for. */
export function respacedSigmas(
  config: SchedulerConfig,
  steps: number,
  ends: { readonly high: number; readonly low: number },
): number[] | undefined {
  const high = config.sigma_max ?? ends.high;
  const low = config.sigma_min ?? ends.low;
  if (config.use_karras_sigmas) return karrasSigmas(high, low, steps);
  if (config.use_exponential_sigmas) return exponentialSigmas(high, low, steps);
  return undefined;
}

/** What is appended after the last step's sigma. */
export function finalSigma(config: SchedulerConfig, training: Float32Array): number {
  return config.final_sigmas_type === 'zero' ? 0 : (training[0] ?? 0);
}
