import { join } from 'node:path';
import type { EditorSettings } from '@triptych/aurora';
import { GraphRuntime } from '@triptych/graph';
import { writeFileAtomically } from '@triptych/media';
import { validationSet } from './benchmark.js';
import { judgeItems, readJudged } from './judge.js';
import { openModel, type TrainedModel } from './models.js';
import { DECIDERS, type SweepRow } from './sweep-results.js';

const cell = (textGuidance: number, imageGuidance: number, steps: number): EditorSettings => ({
  steps,
  sampler: 'ddim',
  textGuidance,
  imageGuidance,
});

export const GRID: readonly EditorSettings[] = [
  cell(1, 1, 1),
  cell(1, 1, 2),
  cell(1, 1, 4),
  cell(1.5, 1, 1),
  cell(1.5, 1, 2),
  cell(1.5, 1, 4),
  cell(2.5, 1, 2),
  cell(1.5, 1.25, 2),
];

const ATTRIBUTE_TASKS: readonly string[] = ['attribute', 'global'];

/** Runs the grid on validation scenes with those deciding models that are trained and writes `sweep.json`. */
export async function sweep(
  work: string,
  trained: readonly TrainedModel[],
  signal: AbortSignal,
): Promise<readonly SweepRow[]> {
  const { items } = await validationSet(work, signal);
  await using runtime = await GraphRuntime.start({ threads: 1 });
  const rows: SweepRow[] = [];
  const deciders = Object.keys(DECIDERS).filter((decider) => trained.some(({ name }) => name === decider));
  for (const model of deciders) {
    // What an attribute arm was never taught must not decide how it is run.
    const asked = model.startsWith('A') ? items.filter(({ task }) => ATTRIBUTE_TASKS.includes(task)) : items;
    await using editor = await openModel(work, model, runtime);
    for (const settings of GRID) {
      const { steps, textGuidance, imageGuidance } = settings;
      const name = `${model} ${steps} ${textGuidance} ${imageGuidance}`;
      const out = join(work, 'sweep', `${name.replaceAll(' ', '_')}.jsonl`);
      const candidates = [{ name, editor, settings }];
      await judgeItems({ items: asked, candidates, out, withBaselines: false, isAsked: () => false, signal });
      const scores = (await readJudged(out)).filter((record) => record.model === name).map((r) => r.scores);
      const mean = (of: (score: (typeof scores)[number]) => number): number =>
        scores.reduce((sum, score) => sum + of(score), 0) / scores.length;
      const row = {
        model,
        settings,
        objectScore: mean(({ object }) => object),
        objectSuccess: mean(({ objectSuccess }) => objectSuccess),
        preservationMse: mean(({ preservationMse }) => preservationMse),
        n: scores.length,
      };
      rows.push(row);
      console.log(
        `${name}: score ${row.objectScore.toFixed(1)}, success ${(100 * row.objectSuccess).toFixed(1)} %, ` +
          `preservation ${row.preservationMse.toExponential(2)}`,
      );
    }
  }
  await writeFileAtomically(join(work, 'sweep.json'), `${JSON.stringify(rows, undefined, 1)}\n`);
  return rows;
}
