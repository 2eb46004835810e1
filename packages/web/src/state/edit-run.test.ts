import { describe, expect, it } from 'vitest';
import {
  advanceCell,
  advanceCellOf,
  canResume,
  type EditRun,
  gridCells,
  newCell,
  parseValues,
  runFigures,
  seedCells,
  spreadValues,
  stopRun,
} from './edit-run.js';
import { LARGEST_SEED } from './edit-settings.js';

const parameters = {
  instruction: 'x',
  negative: '',
  textGuidance: 2,
  imageGuidance: 1.2,
  steps: 20,
  sampler: 'ddim',
  seed: 7,
  model: 'toy',
  masked: false,
};
const result = { blob: new Blob(), url: 'blob:x', width: 1, height: 1 };
const runOf = (count: number): EditRun => ({
  shape: { kind: 'seeds' },
  source: 'a',
  cells: seedCells(parameters, count),
  mask: undefined,
  feather: 0,
  outputFormat: 'png',
});

describe('a cell', () => {
  it('goes from waiting over previews to done', () => {
    let cell = advanceCell(newCell(parameters), { type: 'started', nowMs: 100 });
    cell = advanceCell(cell, { type: 'progress', step: 3, steps: 20, etaSeconds: 1.7 });
    cell = advanceCell(cell, { type: 'preview', url: 'blob:p', step: 4, steps: 20 });
    expect(cell).toMatchObject({ status: 'running', step: 4, preview: 'blob:p', etaSeconds: 1.7 });
    cell = advanceCell(cell, { type: 'done', result, nowMs: 350 });
    expect(cell).toMatchObject({ status: 'done', preview: undefined, result, elapsedMs: 250 });
    expect(advanceCell(cell, { type: 'stopped' })).toBe(cell);
  });

  it('ignores what comes after its end, until it is started again', () => {
    const stopped = advanceCell(newCell(parameters), { type: 'stopped' });
    expect(stopped.status).toBe('stopped');
    expect(advanceCell(stopped, { type: 'done', result, nowMs: 1 })).toBe(stopped);
    expect(advanceCell(stopped, { type: 'started', nowMs: 5 }).status).toBe('running');
  });
});

describe('a sheet', () => {
  it('holds every combination of the knobs, row by row', () => {
    const cells = gridCells(parameters, [1, 2], [1.2, 1.5]);
    expect(cells.map((cell) => [cell.parameters.textGuidance, cell.parameters.imageGuidance])).toEqual([
      [1, 1.2],
      [2, 1.2],
      [1, 1.5],
      [2, 1.5],
    ]);
    expect(new Set(cells.map((cell) => cell.parameters.seed))).toEqual(new Set([7]));
  });

  it('counts seeds up and wraps', () => {
    const cells = seedCells({ ...parameters, seed: LARGEST_SEED }, 3);
    expect(cells.map((cell) => cell.parameters.seed)).toEqual([LARGEST_SEED, 0, 1]);
  });

  it('tells how far it is and how long it takes still', () => {
    let run = runOf(4);
    expect(runFigures(run)).toMatchObject({ running: false, share: 0, etaSeconds: undefined, total: 4 });
    run = advanceCellOf(run, 0, { type: 'started', nowMs: 0 });
    run = advanceCellOf(run, 0, { type: 'progress', step: 10, steps: 20, etaSeconds: 2 });
    // Half of one took 2 s still, so one takes 4 s and three wait.
    expect(runFigures(run)).toMatchObject({ running: true, share: 0.125, etaSeconds: 14 });
    run = advanceCellOf(run, 0, { type: 'done', result, nowMs: 3000 });
    run = advanceCellOf(run, 1, { type: 'started', nowMs: 3000 });
    expect(runFigures(run)).toMatchObject({ done: 1, share: 0.25, etaSeconds: 9 });
  });

  it('can go on after a stop or a failure, not while it runs or when it is complete', () => {
    let run = advanceCellOf(runOf(2), 0, { type: 'started', nowMs: 0 });
    expect(canResume(run)).toBe(false);
    const error = { message: 'no', code: 'x', status: 0 };
    const failed = advanceCellOf(run, 0, { type: 'failed', error });
    expect(runFigures(stopRun(failed)).error).toBe(error);
    expect(canResume(stopRun(failed))).toBe(true);
    run = advanceCellOf(run, 0, { type: 'done', result, nowMs: 1 });
    run = stopRun(run);
    expect(run.cells.map((cell) => cell.status)).toEqual(['done', 'stopped']);
    expect(canResume(run)).toBe(true);
    run = advanceCellOf(run, 1, { type: 'started', nowMs: 1 });
    run = advanceCellOf(run, 1, { type: 'done', result, nowMs: 2 });
    expect(canResume(run)).toBe(false);
  });
});

describe('values', () => {
  it('are read as people type them', () => {
    expect(parseValues('1, 2.5;1.5  2.5', [1, 20])).toEqual([1, 1.5, 2.5]);
    for (const text of ['', ' , ', '1, x', '0.5', '21', 'NaN', '1e999'])
      expect(parseValues(text, [1, 20])).toBeUndefined();
  });

  it('spread around a centre within the range', () => {
    expect(spreadValues(2, [0.6, 1, 1.6, 2.5], [1, 20])).toEqual([1.2, 2, 3.2, 5]);
    expect(spreadValues(1, [0.5, 1, 1.25], [1, 5])).toEqual([1, 1.25]);
  });
});
