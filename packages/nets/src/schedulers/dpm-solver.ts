import { NetworkError } from '../errors.js';
import type { SchedulerConfig } from './config.js';
import { alphasCumprod, trainingSigmas } from './noise-schedule.js';
import { checkStep, type Sampler } from './sampler.js';
import { finalSigma, interpolate, respacedSigmas, timestepOfSigma } from './sigmas.js';
import { checkSteps, countDown, evenlySpaced, roundHalfEven } from './timesteps.js';

/** Runs shorter than this end with lower orders, for stability (diffusers' bound). */
const SHORT_RUN = 15;

/**
 * A run of DPM-Solver++ multistep (Lu et al. 2022b, algorithm 2) of order 1 to 3. It remembers the last predictions of
 * the clean sample, so its steps must be taken in order; step 0 starts it anew.
 * @throws NetworkError `invalid_argument` for a number of steps that the schedule cannot hold
 */
export function dpmSolverSampler(config: SchedulerConfig, steps: number): Sampler {
  checkSteps(steps, config);
  const { timesteps, sigmas } = solverSchedule(config, steps);
  const levels = Array.from(sigmas, levelOf);
  const levelAt = (index: number): Level => levels[index] ?? levelOf(0);
  let history: Float32Array[] = [];
  let expected = 0;
  const sampler: Sampler = {
    timesteps,
    sigmas,
    initialNoiseScale: 1,
    needsNoise: () => false,
    scaleInput: (sample) => sample,
    advance: (step) => {
      checkStep(sampler, step);
      const { index, sample } = step;
      if (index !== 0 && index !== expected) {
        throw new NetworkError(
          'invalid_argument',
          `step ${index} follows step ${expected - 1}: take them in order`,
        );
      }
      if (index === 0) history = [];
      const clean = cleanSample(config, levelAt(index), step.prediction, sample);
      history = [clean, ...history].slice(0, config.solver_order);
      expected = index + 1;
      const order = Math.min(orderOf(config, index, timesteps.length), history.length);
      const from = [0, 1, 2].map((back) => levelAt(index - back));
      return solve(config, { order, to: levelAt(index + 1), from, history, sample });
    },
    clean: ({ index, prediction, sample }) => cleanSample(config, levelAt(index), prediction, sample),
  };
  return sampler;
}

/** A noise level of a variance-preserving process: x = alpha x0 + sigma eps. */
interface Level {
  readonly alpha: number;
  readonly sigma: number;
  /** log(alpha / sigma), infinite without noise. */
  readonly lambda: number;
}

function levelOf(ratio: number): Level {
  const alpha = 1 / Math.sqrt(ratio * ratio + 1);
  return { alpha, sigma: ratio * alpha, lambda: -Math.log(ratio) };
}

function orderOf(config: SchedulerConfig, index: number, count: number): number {
  const endsLow = config.lower_order_final && count < SHORT_RUN;
  const isLast = index === count - 1;
  if (isLast && (config.euler_at_final || endsLow || config.final_sigmas_type === 'zero')) return 1;
  return index === count - 2 && endsLow ? Math.min(2, config.solver_order) : config.solver_order;
}

function cleanSample(
  { prediction_type: type }: SchedulerConfig,
  { alpha, sigma }: Level,
  prediction: Float32Array,
  sample: Float32Array,
): Float32Array {
  switch (type) {
    case 'epsilon':
      return prediction.map((output, i) => ((sample[i] ?? Number.NaN) - sigma * output) / alpha);
    case 'sample':
      return prediction.slice();
    case 'v_prediction':
      return prediction.map((output, i) => alpha * (sample[i] ?? Number.NaN) - sigma * output);
  }
}

interface Update {
  readonly order: number;
  readonly to: Level;
  /** Levels of this step and the two before it. */
  readonly from: readonly Level[];
  /** Clean samples predicted at those levels. */
  readonly history: readonly Float32Array[];
  readonly sample: Float32Array;
}

/** One update in the notation of the paper: h is the step in lambda, the d are finite differences of x0. */
function solve(
  { solver_type: type }: SchedulerConfig,
  { order, to, from, history, sample }: Update,
): Float32Array {
  const [s0, s1, s2] = from as readonly [Level, Level, Level];
  const [m0, m1, m2] = history;
  const h = to.lambda - s0.lambda;
  const decay = Math.expm1(-h);
  const keep = to.sigma / s0.sigma;
  const first = -to.alpha * decay;
  const h0 = s0.lambda - s1.lambda;
  const h1 = s1.lambda - s2.lambda;
  const linear = to.alpha * (decay / h + 1);
  const second = order === 2 && type === 'midpoint' ? -0.5 * to.alpha * decay : linear;
  const third = -to.alpha * ((decay + h) / (h * h) - 0.5);
  const [r0, r1] = [h0 / h, h1 / h];
  return sample.map((x, i) => {
    const d0 = m0?.[i] ?? Number.NaN;
    if (order === 1) return keep * x + first * d0;
    const recent = (d0 - (m1?.[i] ?? Number.NaN)) / r0;
    if (order === 2) return keep * x + first * d0 + second * recent;
    const older = ((m1?.[i] ?? Number.NaN) - (m2?.[i] ?? Number.NaN)) / r1;
    const d1 = recent + (r0 / (r0 + r1)) * (recent - older);
    const d2 = (recent - older) / (r0 + r1);
    return keep * x + first * d0 + second * d1 + third * d2;
  });
}

function solverSchedule(
  config: SchedulerConfig,
  steps: number,
): { readonly timesteps: number[]; readonly sigmas: Float32Array } {
  const training = trainingSigmas(alphasCumprod(config));
  const respaced = respacedSigmas(config, steps, {
    high: training[training.length - 1] ?? 1,
    low: training[0] ?? 1,
  });
  // diffusers keeps fractions for the cosine schedule, whose sigmas are too steep for whole timesteps, then truncates.
  const whole = config.beta_schedule === 'squaredcos_cap_v2' ? Math.trunc : roundHalfEven;
  const timesteps =
    respaced?.map((sigma) => whole(timestepOfSigma(sigma, training))) ??
    solverTimesteps(config, steps, training);
  const plain = respaced ?? timesteps.map((t) => interpolate(training, t));
  // Two equal steps would divide by no distance at all.
  if (plain.some((sigma, i) => i > 0 && !(sigma < (plain[i - 1] ?? 0)))) {
    throw new NetworkError(
      'invalid_argument',
      `steps: ${steps} are too many for distinct noise levels; take fewer`,
    );
  }
  return { timesteps, sigmas: Float32Array.from([...plain, finalSigma(config, training)]) };
}

/** Like the other schedulers' timesteps, but one step more is laid out and its end, timestep 0, left away. */
function solverTimesteps(config: SchedulerConfig, steps: number, training: Float32Array): number[] {
  const { num_train_timesteps: total, steps_offset: offset, lambda_min_clipped: lowest } = config;
  const last = total - training.reduce((count, sigma) => count + Number(-Math.log(sigma) < lowest), 0);
  if (last < total && last < steps) {
    throw new NetworkError(
      'invalid_argument',
      `lambda_min_clipped ${lowest} leaves ${last} of ${total} timesteps, fewer than ${steps} steps`,
    );
  }
  switch (config.timestep_spacing) {
    case 'linspace':
      return evenlySpaced(0, last - 1, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case 'leading': {
      const stride = Math.floor(last / (steps + 1));
      return Array.from({ length: steps }, (_, i) => (steps - i) * stride + offset);
    }
    case 'trailing':
      return countDown(last, total / steps).slice(0, steps);
  }
}
