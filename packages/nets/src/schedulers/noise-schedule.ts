import type { SchedulerConfig } from './config.js';

/** alpha-bar at the end of a schedule with zero terminal SNR, where sigmas need one above 0 (as in diffusers). */
const SMALLEST_ALPHA = 2 ** -24;

/**
 * The cumulative products of 1 - beta: [num_train_timesteps]. Each step rounds to float32 where torch does, because
 * 1 - alphaBar loses four digits at the start of the schedule and the reference has that loss in it.
 */
export function alphasCumprod(config: SchedulerConfig): Float32Array {
  const betas = config.rescale_betas_zero_snr ? zeroTerminalSnr(betasOf(config)) : betasOf(config);
  const products = cumulativeProducts(betas);
  if (config.rescale_betas_zero_snr && config._class_name !== 'DDIMScheduler') {
    products[products.length - 1] = SMALLEST_ALPHA;
  }
  return products;
}

/** sqrt((1 - alphaBar) / alphaBar) of every training timestep. */
export function trainingSigmas(alphas: Float32Array): Float32Array {
  return alphas.map((alpha) => Math.sqrt(Math.fround(Math.fround(1 - alpha) / alpha)));
}

function betasOf(config: SchedulerConfig): Float32Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end } = config;
  if (config.trained_betas !== undefined) return Float32Array.from(config.trained_betas);
  switch (config.beta_schedule) {
    case 'linear':
      return linspace(start, end, count);
    case 'scaled_linear':
      return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'squaredcos_cap_v2': {
      const alphaBar = (t: number): number => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Float32Array.from({ length: count }, (_, i) =>
        Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999),
      );
    }
  }
}

/** float32 values from start to end, counted from the nearer end. */
function linspace(start: number, end: number, count: number): Float32Array {
  const step = Math.fround((Math.fround(end) - Math.fround(start)) / Math.max(1, count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? Math.fround(start) + step * i : Math.fround(end) - step * (count - 1 - i),
  );
}

function cumulativeProducts(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => {
    product *= Math.fround(1 - beta);
    return product;
  });
}

/** Shifts and scales sqrt(alphaBar) so that the last is 0 and the first stays (Lin et al. 2023, algorithm 1). */
function zeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProducts(betas).map(Math.sqrt);
  const first = roots[0] ?? 1;
  const last = roots[roots.length - 1] ?? 0;
  const alphaBars = roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
  return alphaBars.map((alpha, i) => 1 - (i === 0 ? alpha : alpha / (alphaBars[i - 1] ?? 1)));
}
