import type { EditModelJson, Window } from '@triptych/aurora';
import type { MixtureSet, Schedule } from '@triptych/graph';
import { type EditKind, type PairOptions, splits } from '@triptych/world';

/** Side of the pictures that the model is trained on. */
export const SIDE = 64;

/** One rendered set. Everything about it follows from these settings. */
export interface SetSettings extends Pick<PairOptions, 'relational' | 'noise'> {
  readonly kinds: readonly EditKind[];
  readonly rows: number;
  /** First seed; a set owns the {@link SEEDS_PER_SET} seeds from there. */
  readonly firstSeed: number;
}

/** Seeds that a set may use up. */
export const SEEDS_PER_SET = 5_000_000;

/** Objects more often than the whole picture: that is learned at once, which object a name means is not. */
const ATTRIBUTE: readonly EditKind[] = [
  'recolour',
  'resize',
  'recolour',
  'rematerial',
  'recolour',
  'reshape',
  'recolour',
  'resize',
  'recolour',
  'rematerial',
  'reshape',
  'floor',
  'light',
  'night',
];
/** Kinds that stand for a whole task of the benchmark, or for a skill that others build on, are there more often. */
const ACTION: readonly EditKind[] = [
  'move',
  'move',
  'relate',
  'relate',
  'relate',
  'swap',
  'closer',
  'apart',
  'add',
  'add-count',
  'remove',
  'remove-all',
  'turn',
  'flip',
  'knock',
  'drop',
  'push',
  'fall',
  'roll',
];

const trainSeeds = (set: number): number => splits.train[0] + set * SEEDS_PER_SET;
const attribute = { kinds: ATTRIBUTE, relational: 0.2, rows: 4620 };
const action = { kinds: ACTION, relational: 0.2, rows: 5985 };

/** In the order in which they are made. The noisy sets are the same edits of the same scenes, seed for seed, shown with more than the edit. */
export const SETS: Readonly<Record<string, SetSettings>> = {
  'attribute-1': { ...attribute, firstSeed: trainSeeds(0) },
  'action-1': { ...action, firstSeed: trainSeeds(1) },
  'validation-attribute': { ...attribute, rows: 200, firstSeed: splits.validation[0] },
  'validation-action': { ...action, rows: 399, firstSeed: splits.validation[0] + SEEDS_PER_SET },
  'attribute-2': { ...attribute, firstSeed: trainSeeds(2) },
  'attribute-noisy': { ...attribute, firstSeed: trainSeeds(0), noise: 'video' },
  'action-noisy': { ...action, firstSeed: trainSeeds(1), noise: 'video' },
};

export const isTraining = (set: string): boolean => !set.startsWith('validation');

/** Examples a training set has: rows read forwards, then backwards where there is an inverse, cut to this number. */
export const EXAMPLES = 9000;

/** What each arm draws from; within an arm every example is drawn equally often. */
export const ARMS = {
  A: ['attribute-1'],
  'A-2x': ['attribute-1', 'attribute-2'],
  M: ['attribute-1', 'action-1'],
  N: ['attribute-noisy', 'action-noisy'],
} as const satisfies Record<string, readonly string[]>;
export type Arm = keyof typeof ARMS;

/** All runs of the comparison, in the order in which they are trained. */
export const RUNS: readonly (readonly [arm: Arm, seed: number])[] = [
  ['M', 0],
  ['A', 0],
  ['M', 1],
  ['A', 1],
  ['N', 0],
  ['A-2x', 0],
  ['M', 2],
  ['A', 2],
];

export const mixtureOf = (arm: Arm): MixtureSet[] => ARMS[arm].map((name) => ({ name, length: EXAMPLES }));

/** Steps of the common base, and of every run after it. */
export const BASE_STEPS = 3187;
export const STEPS = 3000;
/** What is seen of a picture at a time until the learning rate falls: less of it is more examples in the same time. */
export const WINDOW: Window = { width: 48, height: 32 };
/** What is seen while it falls: all objects of all scenes, and most of their floor. */
export const LAST_WINDOW: Window = { width: 64, height: 48 };
export const BATCH = 32;
export const DROPOUT_RATE = 0.05;
export const CHANGED_WEIGHT = 2;
export const PURE_NOISE_SHARE = 0.5;
export const AVERAGE_DECAY = 0.999;
export const ADAMW = { beta1: 0.9, beta2: 0.99, weightDecay: 0.01, clipNorm: 1 } as const;

const PEAK = 1.2e-3;
const WARMUP_STEPS = 30;

/** Share of a run's steps in which the learning rate falls. */
export const FALL_FRACTION = 0.15;

/** The common beginning of all runs: arm A's data, and no fall. */
export const BASE_SEED = 0;
export const baseSchedule: Schedule = {
  kind: 'trapezoid',
  peak: PEAK,
  warmupSteps: WARMUP_STEPS,
  totalSteps: BASE_STEPS,
  fallFraction: 0,
};

/** A run has the optimizer and the warm-up of its own, then a plateau, then the learning rate falls to 0. */
export function scheduleFor(steps: number): Schedule {
  const fallFraction = FALL_FRACTION;
  return { kind: 'trapezoid', peak: PEAK, warmupSteps: WARMUP_STEPS, totalSteps: steps, fallFraction };
}

/** Muon trains all matrices and convolutions but the first and the last; AdamW trains those, tables, norms and biases. */
export function isMuon(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && !/embedding|conv_in|conv_out/.test(name);
}

/** Tokens per instruction, start and end included. */
export const TOKENS = 32;
const WIDTH = 128;

/** The networks' configurations for a tokenizer of so many tokens, whose last two are start and end. */
export function modelJson(vocabulary: number): EditModelJson {
  return {
    unet: {
      _class_name: 'UNet2DConditionModel',
      sample_size: SIDE / 4,
      in_channels: 96,
      out_channels: 80,
      block_out_channels: [48, 96],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
      layers_per_block: 1,
      cross_attention_dim: WIDTH,
      attention_head_dim: 4,
      norm_num_groups: 8,
      addition_embed_type: 'text',
      addition_embed_type_num_heads: 4,
      resnet_time_scale_shift: 'scale_shift',
    },
    textEncoder: {
      architectures: ['CLIPTextModel'],
      model_type: 'clip_text_model',
      vocab_size: vocabulary,
      hidden_size: WIDTH,
      intermediate_size: 4 * WIDTH,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      max_position_embeddings: TOKENS,
      hidden_act: 'quick_gelu',
      bos_token_id: vocabulary - 2,
      eos_token_id: vocabulary - 1,
    },
    scheduler: {
      _class_name: 'DDIMScheduler',
      num_train_timesteps: 1000,
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      rescale_betas_zero_snr: true,
      prediction_type: 'sample',
      timestep_spacing: 'trailing',
      clip_sample: false,
      set_alpha_to_one: true,
    },
  };
}

/** The run that becomes the embedded model, and how it is called. */
export const PUBLISHED = { arm: 'M', seed: 0, name: 'triptych-edit-3m' } as const;
