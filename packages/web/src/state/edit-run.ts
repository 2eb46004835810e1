/**
 * @module
 * Edits under way. A run is one edit, or a sheet of many done one after another: a guidance grid or neighbouring
 * seeds. Each of its cells knows how far it is.
 */

import type { OutputFormat } from '../api/images.js';
import { LARGEST_SEED } from './edit-settings.js';
import type { EditParameters, Picture } from './edit-tree.js';
import type { RunError } from './run.js';

export type CellStatus = 'waiting' | 'running' | 'done' | 'stopped' | 'error';

/** One edit of a run. */
export interface Cell {
  readonly parameters: EditParameters;
  readonly status: CellStatus;
  readonly step: number;
  /** Steps in all; 0 until the server has said so. */
  readonly steps: number;
  readonly etaSeconds: number | undefined;
  /** Object URL of the result as the model sees it now. */
  readonly preview: string | undefined;
  readonly result: Picture | undefined;
  readonly startedAtMs: number | undefined;
  readonly elapsedMs: number | undefined;
  readonly error: RunError | undefined;
}

export type CellEvent =
  | { readonly type: 'started'; readonly nowMs: number }
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly steps: number;
      readonly etaSeconds: number | undefined;
    }
  | { readonly type: 'preview'; readonly url: string; readonly step: number; readonly steps: number }
  | { readonly type: 'done'; readonly result: Picture; readonly nowMs: number }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly error: RunError };

/** How the cells of a run lie: a single edit, a table of two knobs, or a row of seeds. */
export type RunShape =
  | { readonly kind: 'edit' }
  | {
      readonly kind: 'grid';
      readonly textGuidance: readonly number[];
      readonly imageGuidance: readonly number[];
    }
  | { readonly kind: 'seeds' };

export interface EditRun {
  readonly shape: RunShape;
  /** Id of the node that is edited. */
  readonly source: string;
  /** Of a grid: row by row, one row per image guidance. */
  readonly cells: readonly Cell[];
  /** PNG, alpha 0 is edited; undefined when the whole picture is. */
  readonly mask: Blob | undefined;
  /** Width of the mask's soft edge in pixels. */
  readonly feather: number;
  readonly outputFormat: OutputFormat;
}

/** The most cells a sheet may have. */
export const MOST_CELLS = 36;

export function newCell(parameters: EditParameters): Cell {
  return {
    parameters,
    status: 'waiting',
    step: 0,
    steps: 0,
    etaSeconds: undefined,
    preview: undefined,
    result: undefined,
    startedAtMs: undefined,
    elapsedMs: undefined,
    error: undefined,
  };
}

/** The cell after an event. Only a start moves a cell that does not run. */
export function advanceCell(cell: Cell, event: CellEvent): Cell {
  if (event.type === 'started') {
    return { ...newCell(cell.parameters), status: 'running', startedAtMs: event.nowMs };
  }
  if (event.type === 'stopped' && cell.status === 'waiting') return { ...cell, status: 'stopped' };
  if (cell.status !== 'running') return cell;
  switch (event.type) {
    case 'progress':
      return { ...cell, step: event.step, steps: event.steps, etaSeconds: event.etaSeconds };
    case 'preview':
      return { ...cell, preview: event.url, step: event.step, steps: event.steps };
    case 'done':
      return {
        ...cell,
        status: 'done',
        preview: undefined,
        result: event.result,
        elapsedMs: event.nowMs - (cell.startedAtMs ?? event.nowMs),
      };
    case 'stopped':
      return { ...cell, status: 'stopped', preview: undefined };
    case 'failed':
      return { ...cell, status: 'error', preview: undefined, error: event.error };
  }
}

/** The run with one cell advanced. */
export function advanceCellOf(run: EditRun, index: number, event: CellEvent): EditRun {
  return { ...run, cells: run.cells.map((cell, at) => (at === index ? advanceCell(cell, event) : cell)) };
}

/** The run with everything that has not ended stopped. */
export function stopRun(run: EditRun): EditRun {
  return { ...run, cells: run.cells.map((cell) => advanceCell(cell, { type: 'stopped' })) };
}

/** The cells of a grid, row by row: every text guidance with every image guidance. */
export function gridCells(
  parameters: EditParameters,
  textGuidance: readonly number[],
  imageGuidance: readonly number[],
): readonly Cell[] {
  return imageGuidance.flatMap((image) =>
    textGuidance.map((text) => newCell({ ...parameters, textGuidance: text, imageGuidance: image })),
  );
}

/** `count` cells that differ in the seed alone, from the parameters' own upwards. */
export function seedCells(parameters: EditParameters, count: number): readonly Cell[] {
  return Array.from({ length: count }, (_, index) =>
    newCell({ ...parameters, seed: (parameters.seed + index) % (LARGEST_SEED + 1) }),
  );
}

/** Numbers as typed, "1, 1.5 2": in order, each once, within the range. Undefined if one of them is not a number. */
export function parseValues(
  text: string,
  [low, high]: readonly [number, number],
): readonly number[] | undefined {
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '');
  const numbers = [...new Set(parts.map(Number))].sort((a, b) => a - b);
  return numbers.length > 0 && numbers.every((number) => number >= low && number <= high)
    ? numbers
    : undefined;
}

/** Values around `centre` worth comparing, in steps of a twentieth, within the range. */
export function spreadValues(
  centre: number,
  factors: readonly number[],
  [low, high]: readonly [number, number],
): readonly number[] {
  const values = factors.map(
    (factor) => Math.round(Math.min(Math.max(centre * factor, low), high) * 20) / 20,
  );
  return [...new Set(values)].sort((a, b) => a - b);
}

export interface RunFigures {
  readonly running: boolean;
  readonly done: number;
  readonly total: number;
  /** Share of all steps, 0..1. */
  readonly share: number;
  /** Undefined until something is known. */
  readonly etaSeconds: number | undefined;
  /** The first failure. */
  readonly error: RunError | undefined;
}

export function runFigures(run: EditRun): RunFigures {
  const { cells } = run;
  const running = cells.find((cell) => cell.status === 'running');
  const done = cells.filter((cell) => cell.status === 'done');
  const waiting = cells.filter((cell) => cell.status === 'waiting').length;
  const current = running === undefined || running.steps === 0 ? 0 : running.step / running.steps;
  const meanSeconds =
    done.length === 0
      ? undefined
      : done.reduce((sum, cell) => sum + (cell.elapsedMs ?? 0), 0) / done.length / 1000;
  // Before the first is done, one takes what the running one has told of itself.
  const perCell =
    meanSeconds ??
    (running?.etaSeconds !== undefined && current < 1 ? running.etaSeconds / (1 - current) : undefined);
  const left = running?.etaSeconds ?? (perCell === undefined ? undefined : perCell * (1 - current));
  return {
    running: running !== undefined,
    done: done.length,
    total: cells.length,
    share: cells.length === 0 ? 0 : Math.min(1, (done.length + current) / cells.length),
    etaSeconds: left === undefined || perCell === undefined ? undefined : left + perCell * waiting,
    error: cells.find((cell) => cell.error !== undefined)?.error,
  };
}

/** Whether a run that has ended has cells left to do. */
export function canResume(run: EditRun): boolean {
  return (
    !runFigures(run).running && run.cells.some((cell) => cell.status === 'stopped' || cell.status === 'error')
  );
}
