import type { SchedulerConfig } from './config.js';
import { alphasCumprod, trainingSigmas } from './noise-schedule.js';
import { checkStep, type Sampler } from './sampler.js';
import { exponentialSigmas, finalSigma, interpolate, respacedSigmas, timestepOfSigma } from './sigmas.js';
import { checkSteps, spacedTimesteps } from './timesteps.js';

/**
 * A run of Euler's method over sigmas (Karras et al. 2022, algorithm 2 without churn), or of its ancestral variant, which
 * steps further down and adds fresh noise (k-diffusion's `sample_euler_ancestral`).
 * @throws NetworkError `invalid_argument` for a number of steps that the schedule cannot hold
 */
export function eulerSampler(config: SchedulerConfig, steps: number): Sampler {
  checkSteps(steps, config);
  const isAncestral = config._class_name === 'EulerAncestralDiscreteScheduler';
  const { timesteps, sigmas } = eulerSchedule(config, steps, isAncestral);
  const sigmaAt = (index: number): number => sigmas[index] ?? 0;
  const highest = sigmas.reduce((max, sigma) => Math.max(max, sigma), 0);
  const sampler: Sampler = {
    timesteps,
    sigmas,
    // Leading timesteps do not start at the end of training, where the sample is all noise.
    initialNoiseScale: config.timestep_spacing === 'leading' ? Math.sqrt(highest ** 2 + 1) : highest,
    needsNoise: (index) => isAncestral && sigmaAt(index + 1) > 0,
    scaleInput: (sample, index) => {
      const divisor = Math.sqrt(sigmaAt(index) ** 2 + 1);
      return sample.map((x) => x / divisor);
    },
    advance: (step) => {
      const noise = checkStep(sampler, step);
      const from = sigmaAt(step.index);
      const to = sigmaAt(step.index + 1);
      const up = isAncestral ? Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2) : 0;
      const down = isAncestral ? Math.sqrt(to ** 2 - up ** 2) : to;
      const derivative = derivativeOf(config, from);
      return step.sample.map(
        (x, i) => x + derivative(x, step.prediction[i] ?? Number.NaN) * (down - from) + up * (noise[i] ?? 0),
      );
    },
    clean: ({ index, prediction, sample }) => {
      const sigma = sigmaAt(index);
      const derivative = derivativeOf(config, sigma);
      return sample.map((x, i) => x - sigma * derivative(x, prediction[i] ?? Number.NaN));
    },
  };
  return sampler;
}

/** dx / dsigma = (x - x0) / sigma for each kind of prediction. */
function derivativeOf(
  { prediction_type: type }: SchedulerConfig,
  sigma: number,
): (x: number, output: number) => number {
  switch (type) {
    case 'epsilon':
      return (_x, output) => output;
    case 'sample':
      return (x, output) => (x - output) / sigma;
    case 'v_prediction': {
      const variance = sigma ** 2 + 1;
      return (x, output) => (x - (x / variance - (output * sigma) / Math.sqrt(variance))) / sigma;
    }
  }
}

function eulerSchedule(
  config: SchedulerConfig,
  steps: number,
  isAncestral: boolean,
): { readonly timesteps: number[]; readonly sigmas: Float32Array } {
  const training = trainingSigmas(alphasCumprod(config));
  const spaced = spacedTimesteps(config, steps).map(Math.fround);
  if (isAncestral) {
    return {
      timesteps: spaced,
      sigmas: Float32Array.from([...spaced.map((t) => interpolate(training, t)), 0]),
    };
  }
  const plain =
    config.interpolation_type === 'linear'
      ? spaced.map((t) => interpolate(training, t))
      : exponentialSigmas(training[training.length - 1] ?? 1, training[0] ?? 1, steps + 1);
  const respaced = respacedSigmas(config, steps, { high: plain[0] ?? 1, low: plain[plain.length - 1] ?? 1 });
  return {
    timesteps: respaced?.map((sigma) => Math.fround(timestepOfSigma(sigma, training))) ?? spaced,
    sigmas: Float32Array.from([...(respaced ?? plain), finalSigma(config, training)]),
  };
}
