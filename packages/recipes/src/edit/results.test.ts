import type { EditScores } from '@triptych/aurora';
import { describe, expect, it } from 'vitest';
import type { JudgedRecord } from './judge.js';
import { MODELS } from './models.js';
import { difference, modelsOf, ResultTable, resultRows, TASKS } from './results.js';
import { ARMS, mixtureOf, RUNS, SETS } from './settings.js';
import { chosenSettings, type SweepRow } from './sweep-results.js';

const scores = (objectSuccess: number): EditScores => ({
  progress: objectSuccess,
  preservationMse: 0,
  preservationDeltaE: 0,
  success: objectSuccess,
  object: 100 * objectSuccess,
  objectSuccess,
  objectReason: objectSuccess === 1 ? 'done' : 'unchanged',
  l1: 0,
  l2: 0,
  ssim: 1,
});

/** Every model on four items of each task; M succeeds on three of four, the others on one. */
const records: JudgedRecord[] = [...MODELS.map(({ name }) => name), 'copy', 'random'].flatMap((model) =>
  TASKS.flatMap((task) =>
    [0, 1, 2, 3].map((i) => ({
      item: `${task}/${i}`,
      task,
      kind: 'move',
      model,
      scores: scores(i < (model.startsWith('M') ? 3 : 1) ? 1 : 0),
      ...(i < 2 && {
        disc: [
          { noChange: 1, change: model === 'copy' ? 1 : 2 },
          { noChange: 1, change: i },
        ],
      }),
    })),
  ),
);

describe('results', () => {
  const rows = resultRows(new ResultTable(records));
  const find = (arm: string, task: string, metric: string) =>
    rows.find((row) => row.arm === arm && row.task === task && row.metric === metric);

  it('average trainings and items, and tasks in groups', () => {
    expect(find('M', 'physics', 'object-success')).toMatchObject({ mean: 0.75, n: 4, seeds: 3 });
    expect(find('A', 'action+reasoning', 'object-success')).toMatchObject({ mean: 0.25, n: 24 });
    expect(find('A-2x', 'attribute', 'object-success@matched')).toMatchObject({ mean: 0.25, seeds: 1 });
    for (const { mean, low, high } of rows) {
      expect(low).toBeLessThanOrEqual(mean + 1e-9);
      expect(high).toBeGreaterThanOrEqual(mean - 1e-9);
    }
  });

  it('count DiscEdit by noise seed, ties as not won', () => {
    // Seed 0: M wins both items; seed 1: one loss (change 0) and one tie (change 1).
    expect(find('M', 'physics', 'disc-edit')).toMatchObject({ mean: 0.5, n: 2, seeds: 6 });
    expect(find('copy', 'physics', 'disc-edit-ties')?.mean).toBe(0.75);
  });

  it('take differences over the same items', () => {
    const table = new ResultTable(records);
    const gap = difference(table, [modelsOf('M'), modelsOf('A')], TASKS, 'object-success');
    expect(gap.mean).toBeCloseTo(0.5, 10);
    expect(gap.low).toBeLessThan(0.5);
  });

  it('leave out items that a model has not done', () => {
    const some = records.filter(({ model, item }) => !(model === 'N-0' && item.endsWith('/3')));
    const row = resultRows(new ResultTable(some)).find(
      ({ arm, metric, task }) => arm === 'M' && metric === 'object-success' && task === 'physics',
    );
    expect(row).toMatchObject({ n: 3, mean: 1 });
  });
});

describe('the settings of the comparison', () => {
  it('draw all sets of an arm equally often, from scenes of their own', () => {
    expect(new Set(mixtureOf('M').map(({ length }) => length)).size).toBe(1);
    expect(ARMS['A-2x']).toHaveLength(2 * ARMS.A.length);
    expect(RUNS.filter(([arm]) => arm === 'A' || arm === 'M')).toHaveLength(6);
    const starts = Object.entries(SETS).filter(([, set]) => set.noise === undefined);
    expect(new Set(starts.map(([, set]) => set.firstSeed)).size).toBe(starts.length);
    // The noisy sets are the same scenes.
    expect(SETS['action-noisy']).toEqual({ ...SETS['action-1'], noise: 'video' });
  });

  it('take the cell with the best validation score of the model that decides', () => {
    const row = (model: string, steps: number, objectScore: number): SweepRow => ({
      model,
      settings: { steps, sampler: 'ddim', textGuidance: 1, imageGuidance: 1 },
      objectScore,
      objectSuccess: 0,
      preservationMse: 0,
      n: 1,
    });
    const rows = [row('A-0', 1, 40), row('A-0', 2, 10), row('M-0', 1, 30), row('M-0', 2, 50)];
    expect(chosenSettings(rows, 'A-2x').steps).toBe(1);
    expect(chosenSettings(rows, 'N').steps).toBe(2);
    expect(() => chosenSettings([], 'M')).toThrow(/sweep/);
  });
});
