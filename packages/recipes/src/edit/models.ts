import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Editor, openEmbeddedEditor } from '@triptych/aurora';
import type { GraphRuntime } from '@triptych/graph';
import { exportRun } from './export.js';
import { type Arm, PUBLISHED, RUNS } from './settings.js';
import { chosenSettings, readSweep } from './sweep-results.js';
import { MATCHED_FOLDER, runFolder } from './work-folder.js';

/** A trained model of the comparison. */
export interface TrainedModel {
  /** Also the name of its folder: `M-0`, `A-2x-0-matched`. */
  readonly name: string;
  readonly arm: Arm;
  readonly seed: number;
  /** A-2x stopped where it has seen as many attribute examples as M. */
  readonly isMatched: boolean;
}

/** All models that are judged. */
export const MODELS: readonly TrainedModel[] = [
  ...RUNS.map(([arm, seed]) => ({ name: `${arm}-${seed}`, arm, seed, isMatched: false })),
  { name: `A-2x-0-${MATCHED_FOLDER}`, arm: 'A-2x', seed: 0, isMatched: true },
];

const modelsFolder = (work: string): string => join(work, 'models');

/** Exports every model that is trained and not exported yet; returns those that are there. */
export async function exportModels(work: string, steps: number): Promise<readonly TrainedModel[]> {
  const ready: TrainedModel[] = [];
  for (const model of MODELS) {
    const { name, arm, seed, isMatched } = model;
    const folder = join(modelsFolder(work), name);
    if (!existsSync(join(folder, 'model_index.json'))) {
      const run = isMatched ? join(runFolder(work, arm, seed), MATCHED_FOLDER) : runFolder(work, arm, seed);
      const step = await exportRun({
        work,
        arm,
        seed,
        folder,
        run,
        wantedStep: isMatched ? steps / 2 : steps,
      });
      if (step === undefined) continue;
    }
    ready.push(model);
  }
  return ready;
}

/** Writes the embedded model: the published run with the settings that validation chose. */
export async function publishModel(work: string, folder: string, steps: number): Promise<void> {
  const { arm, seed, name } = PUBLISHED;
  const run = runFolder(work, arm, seed);
  const defaults = chosenSettings(await readSweep(work), arm);
  const step = await exportRun({
    work,
    arm,
    seed,
    run,
    folder: join(folder, name),
    wantedStep: steps,
    defaults,
  });
  if (step === undefined) throw new Error(`${run} has no checkpoint of step ${steps}: train it first`);
}

/** Opens an exported model. */
export function openModel(work: string, name: string, runtime: GraphRuntime): Promise<Editor> {
  return openEmbeddedEditor(join(modelsFolder(work), name), { runtime });
}
