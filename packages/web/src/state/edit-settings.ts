/**
 * @module
 * How edits are run, as the settings sheet shows it. What the user has not touched stays undefined and follows the
 * model in use. Pure readers and writers; values from storage are checked like any other input.
 */

import {
  type ImageDefaults,
  type ImageModel,
  OUTPUT_FORMATS,
  type OutputFormat,
  type Range,
  type RecalledParameters,
} from '../api/images.js';
import type { KeyValueStore } from './settings.js';

export interface EditSettings {
  readonly textGuidance: number | undefined;
  readonly imageGuidance: number | undefined;
  readonly steps: number | undefined;
  readonly sampler: string | undefined;
  /** Of the next edit. */
  readonly seed: number;
  /** Without it every edit draws another seed. */
  readonly seedLocked: boolean;
  readonly negative: string;
  readonly outputFormat: OutputFormat;
  /** Id of the model; undefined is the server's default. */
  readonly model: string | undefined;
}

export const LARGEST_SEED: number = 2 ** 32 - 1;

export const DEFAULT_EDIT_SETTINGS: EditSettings = {
  textGuidance: undefined,
  imageGuidance: undefined,
  steps: undefined,
  sampler: undefined,
  seed: 1,
  seedLocked: false,
  negative: '',
  outputFormat: 'png',
  model: undefined,
};

/** The model that edits: the chosen one if the server has it, else its default. */
export function modelInUse(
  models: readonly ImageModel[],
  settings: Pick<EditSettings, 'model'>,
): ImageModel | undefined {
  return (
    models.find((model) => model.id === settings.model) ??
    models.find((model) => model.isDefault) ??
    models[0]
  );
}

/** What a run is done with: the user's values within the model's limits, its own defaults for the rest. */
export function resolveSettings(settings: EditSettings, model: ImageModel): ImageDefaults {
  const { defaults, limits } = model;
  return {
    steps: Math.round(within(settings.steps ?? defaults.steps, limits.steps)),
    textGuidance: within(settings.textGuidance ?? defaults.textGuidance, limits.textGuidance),
    imageGuidance: within(settings.imageGuidance ?? defaults.imageGuidance, limits.imageGuidance),
    sampler:
      settings.sampler !== undefined && model.samplers.includes(settings.sampler)
        ? settings.sampler
        : defaults.sampler,
  };
}

/**
 * Both knobs one step towards more (+1) or less (-1) change, as the authors of InstructPix2Pix advise: follow the
 * instruction more and keep the picture less, or the reverse.
 */
export function nudgeGuidance(settings: EditSettings, model: ImageModel, direction: 1 | -1): EditSettings {
  const { textGuidance, imageGuidance } = resolveSettings(settings, model);
  return {
    ...settings,
    textGuidance: within(rounded(textGuidance * 1.25 ** direction), model.limits.textGuidance),
    imageGuidance: within(rounded(imageGuidance - 0.1 * direction), model.limits.imageGuidance),
  };
}

/** A seed anyone may draw; `random` gives 0 <= x < 1. */
export function randomSeed(random: () => number = Math.random): number {
  // Short enough to be read out; the whole range can still be typed.
  return Math.floor(random() * 1_000_000);
}

/** The seed after this one; the last is followed by 0. */
export function nextSeed(seed: number): number {
  return seed >= LARGEST_SEED ? 0 : seed + 1;
}

/** Settings that make the recalled edit again; what the metadata does not say stays. The seed is locked. */
export function recallSettings(settings: EditSettings, recalled: RecalledParameters): EditSettings {
  return {
    ...settings,
    textGuidance: recalled.textGuidance ?? settings.textGuidance,
    imageGuidance: recalled.imageGuidance ?? settings.imageGuidance,
    steps: recalled.steps ?? settings.steps,
    sampler: recalled.sampler ?? settings.sampler,
    negative: recalled.negative ?? '',
    model: recalled.model ?? settings.model,
    ...(recalled.seed === undefined ? {} : { seed: recalled.seed, seedLocked: true }),
  };
}

const KEY = 'triptych.edit';

/** Settings from storage; anything missing or malformed falls back to its default, and an unlocked seed is drawn. */
export function loadEditSettings(
  store: Pick<KeyValueStore, 'getItem'> | undefined,
  random: () => number = Math.random,
): EditSettings {
  let value: unknown;
  try {
    value = JSON.parse(store?.getItem(KEY) ?? '{}');
  } catch {
    value = {};
  }
  const stored = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const number = (key: keyof EditSettings) => {
    const found = stored[key];
    return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
  };
  const text = (key: keyof EditSettings) => {
    const found = stored[key];
    return typeof found === 'string' ? found : undefined;
  };
  const seed = number('seed');
  const locked =
    stored.seedLocked === true &&
    seed !== undefined &&
    Number.isInteger(seed) &&
    seed >= 0 &&
    seed <= LARGEST_SEED;
  return {
    textGuidance: number('textGuidance'),
    imageGuidance: number('imageGuidance'),
    steps: number('steps'),
    sampler: text('sampler'),
    seed: locked ? seed : randomSeed(random),
    seedLocked: locked,
    negative: text('negative') ?? '',
    outputFormat: OUTPUT_FORMATS.find((format) => format === stored.outputFormat) ?? 'png',
    model: text('model'),
  };
}

/** A full or forbidden storage is not an error worth a message. */
export function saveEditSettings(
  store: Pick<KeyValueStore, 'setItem'> | undefined,
  settings: EditSettings,
): void {
  try {
    store?.setItem(KEY, JSON.stringify(settings));
  } catch {
    // The settings still hold for this visit.
  }
}

function within(value: number, [low, high]: Range): number {
  return Math.min(Math.max(value, low), high);
}

/** Two decimals: what the fields show. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
