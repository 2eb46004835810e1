import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT_FILE, type EditorSettings, saveEditModel } from '@triptych/aurora';
import { loadCheckpoint } from '@triptych/graph';
import { type Arm, modelJson, SIDE } from './settings.js';
import { vocabularySize } from './tokenizer.js';
import { tokenizerFolder } from './work-folder.js';

/** How a model of the comparison is run unless somebody says otherwise. */
const DEFAULTS: EditorSettings = { steps: 2, sampler: 'ddim', textGuidance: 1, imageGuidance: 1 };

export interface ExportOptions {
  readonly work: string;
  readonly arm: Arm;
  readonly seed: number;
  /** Folder of the run's checkpoint. */
  readonly run: string;
  /** Where the model goes. */
  readonly folder: string;
  /** Only a checkpoint of this step is exported. */
  readonly wantedStep: number;
  readonly defaults?: EditorSettings;
}

/** Writes the running average of a run as a model folder. Returns its step, or undefined if the run is not that far. */
export async function exportRun(options: ExportOptions): Promise<number | undefined> {
  const { work, arm, seed, folder } = options;
  const path = join(options.run, CHECKPOINT_FILE);
  if (!existsSync(path)) return undefined;
  const { averages, moments } = await loadCheckpoint(path);
  if (moments.step !== options.wantedStep) return undefined;
  if (averages === undefined) throw new Error(`${path} holds no running averages`);
  await saveEditModel(folder, {
    json: modelJson(await vocabularySize(work)),
    weights: averages,
    tokenizerFolder: tokenizerFolder(work),
    nativeSide: SIDE,
    defaults: options.defaults ?? DEFAULTS,
    metadata: { arm, seed: String(seed), step: String(moments.step) },
  });
  return moments.step;
}
