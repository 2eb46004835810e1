import { type ConfigJson, ConfigReader } from '../config-reader.js';

/** Schedulers of diffusers that are built here. */
export const SCHEDULER_CLASSES = [
  'DDIMScheduler',
  'EulerDiscreteScheduler',
  'EulerAncestralDiscreteScheduler',
  'DPMSolverMultistepScheduler',
] as const;
export type SchedulerClass = (typeof SCHEDULER_CLASSES)[number];

/** What the network predicts: the noise, the clean sample, or v (Salimans and Ho 2022). */
export type PredictionType = 'epsilon' | 'sample' | 'v_prediction';
export type TimestepSpacing = 'linspace' | 'leading' | 'trailing';

/** Keys of diffusers' scheduler configurations, under their public names; a class uses those it knows. */
export interface SchedulerConfig {
  readonly _class_name: SchedulerClass;
  readonly num_train_timesteps: number;
  readonly beta_start: number;
  readonly beta_end: number;
  readonly beta_schedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  /** Betas that replace the schedule. */
  readonly trained_betas: readonly number[] | undefined;
  readonly rescale_betas_zero_snr: boolean;
  readonly prediction_type: PredictionType;
  readonly timestep_spacing: TimestepSpacing;
  readonly steps_offset: number;
  /** DDIM: the last step goes to alpha = 1 instead of to the alpha of timestep 0. */
  readonly set_alpha_to_one: boolean;
  readonly clip_sample: boolean;
  readonly clip_sample_range: number;
  readonly use_karras_sigmas: boolean;
  readonly use_exponential_sigmas: boolean;
  readonly interpolation_type: 'linear' | 'log_linear';
  readonly sigma_min: number | undefined;
  readonly sigma_max: number | undefined;
  readonly final_sigmas_type: 'zero' | 'sigma_min';
  readonly solver_order: number;
  readonly solver_type: 'midpoint' | 'heun';
  readonly lower_order_final: boolean;
  readonly euler_at_final: boolean;
  readonly lambda_min_clipped: number;
}

/**
 * Reads a `scheduler_config.json`. Absent keys take the defaults of the class in diffusers.
 * @param className reads the keys as another class would, whatever `_class_name` says (as diffusers' `from_config`)
 * @throws NetworkError `invalid_config` naming the key, also for settings that are not built here
 */
export function parseSchedulerConfig(json: ConfigJson, className?: SchedulerClass): SchedulerConfig {
  const reader = new ConfigReader(json, 'scheduler_config.json');
  const name = className ?? classOf(reader);
  const isEuler = name === 'EulerDiscreteScheduler';
  const isSolver = name === 'DPMSolverMultistepScheduler';
  const isDdim = name === 'DDIMScheduler';
  for (const key of [
    'thresholding',
    'use_beta_sigmas',
    'use_lu_lambdas',
    'use_flow_sigmas',
    'use_dynamic_shifting',
  ]) {
    reader.refuseUnless(key, false);
  }
  if (isEuler) reader.refuseUnless('timestep_type', 'discrete');
  if (isSolver) {
    reader.refuseUnless('algorithm_type', 'dpmsolver++');
    reader.refuseUnless('variance_type', 'fixed_small', 'fixed_large');
  }
  const lambdaMin = reader.raw('lambda_min_clipped');
  return {
    _class_name: name,
    num_train_timesteps: reader.count('num_train_timesteps', 1000),
    beta_start: reader.fraction('beta_start', 0.0001),
    beta_end: reader.fraction('beta_end', 0.02),
    beta_schedule: reader.choice('beta_schedule', ['linear', 'scaled_linear', 'squaredcos_cap_v2'], 'linear'),
    trained_betas: trainedBetas(reader),
    rescale_betas_zero_snr: reader.flag('rescale_betas_zero_snr', false),
    prediction_type: reader.choice('prediction_type', ['epsilon', 'sample', 'v_prediction'], 'epsilon'),
    timestep_spacing: reader.choice(
      'timestep_spacing',
      ['linspace', 'leading', 'trailing'],
      isDdim ? 'leading' : 'linspace',
    ),
    steps_offset: reader.index('steps_offset', 0),
    set_alpha_to_one: reader.flag('set_alpha_to_one', true),
    clip_sample: isDdim && reader.flag('clip_sample', true),
    clip_sample_range: reader.positive('clip_sample_range', 1),
    use_karras_sigmas: (isEuler || isSolver) && reader.flag('use_karras_sigmas', false),
    use_exponential_sigmas: (isEuler || isSolver) && reader.flag('use_exponential_sigmas', false),
    interpolation_type: reader.choice('interpolation_type', ['linear', 'log_linear'], 'linear'),
    sigma_min: isEuler && reader.raw('sigma_min') !== undefined ? reader.positive('sigma_min') : undefined,
    sigma_max: isEuler && reader.raw('sigma_max') !== undefined ? reader.positive('sigma_max') : undefined,
    final_sigmas_type: reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero'),
    solver_order: solverOrder(reader),
    // The names of UniPC's solvers mean midpoint to this class, as in diffusers.
    solver_type:
      reader.choice('solver_type', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'], 'midpoint') === 'heun'
        ? 'heun'
        : 'midpoint',
    lower_order_final: reader.flag('lower_order_final', true),
    euler_at_final: reader.flag('euler_at_final', false),
    // diffusers writes -Infinity, which JSON lacks; absent means the same.
    lambda_min_clipped: typeof lambdaMin === 'number' ? lambdaMin : Number.NEGATIVE_INFINITY,
  };
}

function classOf(reader: ConfigReader): SchedulerClass {
  const found = SCHEDULER_CLASSES.find((name) => name === reader.raw('_class_name'));
  if (found !== undefined) return found;
  throw reader.refusal(
    '_class_name',
    `${JSON.stringify(reader.raw('_class_name'))} is not supported; supported: ${SCHEDULER_CLASSES.join(', ')}. ` +
      'Others run as DDIMScheduler where beta_start, beta_end and beta_schedule (or trained_betas) are given',
  );
}

/** A folder's schedule. */
export interface FolderScheduler {
  readonly scheduler: SchedulerConfig;
  /** The class that the folder names when it is not built here: `scheduler` is then DDIM on its betas. */
  readonly missingScheduler?: string;
}

/**
 * As {@link parseSchedulerConfig}, but a scheduler of diffusers that is not built here (PNDM, which Stable Diffusion
 * 1.5 comes with) is replaced by DDIM: it walks the same betas in other steps.
 * @throws NetworkError as `parseSchedulerConfig`, also for unknown classes without betas
 */
export function parseFolderScheduler(json: ConfigJson, className?: SchedulerClass): FolderScheduler {
  const { _class_name: name } = json;
  if (className !== undefined || typeof name !== 'string' || !canStandIn(name, json))
    return { scheduler: parseSchedulerConfig(json, className) };
  // Clipping is DDIM's own default; a class that says nothing of it does not clip.
  const unclipped = { ...json, clip_sample: json.clip_sample ?? false };
  return { scheduler: parseSchedulerConfig(unclipped, 'DDIMScheduler'), missingScheduler: name };
}

function canStandIn(name: string, json: ConfigJson): boolean {
  if (SCHEDULER_CLASSES.some((known) => known === name) || !/^[A-Z]\w{0,99}Scheduler$/.test(name))
    return false;
  return (
    Array.isArray(json.trained_betas) ||
    (typeof json.beta_start === 'number' &&
      typeof json.beta_end === 'number' &&
      typeof json.beta_schedule === 'string')
  );
}

function solverOrder(reader: ConfigReader): number {
  const order = reader.count('solver_order', 2);
  if (order > 3) throw reader.refusal('solver_order', `must be 1, 2 or 3, got ${order}`);
  return order;
}

function trainedBetas(reader: ConfigReader): readonly number[] | undefined {
  const betas = reader.raw('trained_betas');
  if (betas === undefined) return undefined;
  if (!Array.isArray(betas) || !betas.every((beta) => typeof beta === 'number' && beta > 0 && beta < 1)) {
    throw reader.refusal('trained_betas', 'must be a list of numbers between 0 and 1');
  }
  if (betas.length !== reader.count('num_train_timesteps', 1000)) {
    throw reader.refusal('trained_betas', `has ${betas.length} entries, not num_train_timesteps`);
  }
  return betas as number[];
}
