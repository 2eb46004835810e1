import { NetworkError } from '../errors.js';
import type { SchedulerConfig } from './config.js';
import { ddimSampler } from './ddim.js';
import { dpmSolverSampler } from './dpm-solver.js';
import { eulerSampler } from './euler.js';
import { alphasCumprod } from './noise-schedule.js';
import type { Sampler } from './sampler.js';

export interface SamplerOptions {
  /** Number of network evaluations per branch. */
  readonly steps: number;
  /** DDIM only: share of DDPM's variance that is added as fresh noise, 0..1. Default 0. */
  readonly eta?: number;
}

/**
 * Starts a run of the scheduler that the configuration names.
 * @throws NetworkError `invalid_argument` for a number of steps or an eta that the scheduler cannot use
 */
export function createSampler(config: SchedulerConfig, { steps, eta = 0 }: SamplerOptions): Sampler {
  if (eta !== 0 && config._class_name !== 'DDIMScheduler') {
    throw new NetworkError('invalid_argument', `eta is for DDIMScheduler, not for ${config._class_name}`);
  }
  switch (config._class_name) {
    case 'DDIMScheduler':
      return ddimSampler(config, steps, eta);
    case 'EulerDiscreteScheduler':
    case 'EulerAncestralDiscreteScheduler':
      return eulerSampler(config, steps);
    case 'DPMSolverMultistepScheduler':
      return dpmSolverSampler(config, steps);
  }
}

/**
 * sqrt(alphaBar) x + sqrt(1 - alphaBar) noise at one training timestep: what training feeds the network.
 * @throws NetworkError `invalid_argument` for a timestep that does not exist or lengths that differ
 */
export function addNoise(
  config: SchedulerConfig,
  clean: Float32Array,
  noise: Float32Array,
  timestep: number,
): Float32Array {
  const alpha = alphasCumprod(config)[timestep];
  if (alpha === undefined || clean.length !== noise.length) {
    throw new NetworkError(
      'invalid_argument',
      `timestep ${timestep} of ${config.num_train_timesteps}, ${clean.length} values with ${noise.length} of noise`,
    );
  }
  const [signal, deviation] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
  return clean.map((x, i) => signal * x + deviation * (noise[i] ?? Number.NaN));
}
