import { NetworkError } from '../errors.js';
import type { SchedulerConfig } from './config.js';
import { alphasCumprod } from './noise-schedule.js';
import { checkStep, type Sampler, type SamplerStep } from './sampler.js';
import { checkSteps, roundHalfEven, spacedTimesteps } from './timesteps.js';

/**
 * A run of DDIM (Song et al. 2021, eq. 12).
 * @param eta 0 (default) is deterministic, 1 has the variance of DDPM
 * @throws NetworkError `invalid_argument` for a number of steps that the schedule cannot hold
 */
export function ddimSampler(config: SchedulerConfig, steps: number, eta = 0): Sampler {
  checkSteps(steps, config);
  if (!(eta >= 0 && eta <= 1)) throw new NetworkError('invalid_argument', `eta must be in 0..1, got ${eta}`);
  const alphas = alphasCumprod(config);
  const timesteps = spacedTimesteps(config, steps).map(roundHalfEven);
  if ((timesteps[0] ?? 0) >= alphas.length) {
    throw new NetworkError(
      'invalid_argument',
      `${steps} steps with steps_offset ${config.steps_offset} start after the last of ${alphas.length} timesteps`,
    );
  }
  if (config.prediction_type === 'epsilon' && alphas[timesteps[0] ?? 0] === 0) {
    throw new NetworkError(
      'invalid_config',
      'scheduler_config.json: rescale_betas_zero_snr starts from noise alone, where prediction_type "epsilon" says ' +
        'nothing; use v_prediction, or timestep_spacing "leading"',
    );
  }
  const stride = Math.floor(config.num_train_timesteps / steps);
  const finalAlpha = config.set_alpha_to_one ? 1 : (alphas[0] ?? 1);
  const sampler: Sampler = {
    timesteps,
    sigmas: undefined,
    initialNoiseScale: 1,
    needsNoise: () => eta > 0,
    scaleInput: (sample) => sample,
    advance: (step) => {
      const noise = checkStep(sampler, step);
      const timestep = timesteps[step.index] ?? 0;
      const alpha = alphas[timestep] ?? Number.NaN;
      const previous = timestep - stride;
      const previousAlpha = previous >= 0 ? (alphas[previous] ?? Number.NaN) : finalAlpha;
      return ddimStep(config, step, { alpha, previousAlpha, eta, noise });
    },
    clean: ({ index, prediction, sample }) => {
      const cleanOf = cleanFrom(config, alphas[timesteps[index] ?? 0] ?? Number.NaN);
      return sample.map((x, i) => cleanOf(x, prediction[i] ?? Number.NaN));
    },
  };
  return sampler;
}

/** The clean value that the network's output for a noisy one implies. */
function cleanFrom(
  { prediction_type: type }: SchedulerConfig,
  alpha: number,
): (x: number, output: number) => number {
  const signal = Math.sqrt(alpha);
  const deviation = Math.sqrt(1 - alpha);
  switch (type) {
    case 'epsilon':
      return (x, output) => (x - deviation * output) / signal;
    case 'sample':
      return (_x, output) => output;
    case 'v_prediction':
      return (x, output) => signal * x - deviation * output;
  }
}

interface DdimLevel {
  readonly alpha: number;
  readonly previousAlpha: number;
  readonly eta: number;
  readonly noise: Float32Array;
}

function ddimStep(
  config: SchedulerConfig,
  { prediction, sample }: SamplerStep,
  { alpha, previousAlpha, eta, noise }: DdimLevel,
): Float32Array {
  const signal = Math.sqrt(alpha);
  const deviation = Math.sqrt(1 - alpha);
  const variance = ((1 - previousAlpha) / (1 - alpha)) * (1 - alpha / previousAlpha);
  const fresh = eta * Math.sqrt(variance);
  const previousSignal = Math.sqrt(previousAlpha);
  const direction = Math.sqrt(1 - previousAlpha - fresh * fresh);
  const bound = config.clip_sample ? config.clip_sample_range : Number.POSITIVE_INFINITY;
  const cleanOf = cleanFrom(config, alpha);
  return sample.map((x, i) => {
    const output = prediction[i] ?? Number.NaN;
    const clean = cleanOf(x, output);
    let epsilon: number;
    switch (config.prediction_type) {
      case 'epsilon':
        epsilon = output;
        break;
      case 'sample':
        epsilon = (x - signal * output) / deviation;
        break;
      case 'v_prediction':
        epsilon = signal * output + deviation * x;
        break;
    }
    const clipped = Math.min(Math.max(clean, -bound), bound);
    return previousSignal * clipped + direction * epsilon + fresh * (noise[i] ?? 0);
  });
}
