import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EditorSettings } from '@triptych/aurora';
import type { Arm } from './settings.js';

/** One cell of the grid, with what it gives on validation: mean object score, 0 to 100. */
export interface SweepRow {
  readonly model: string;
  readonly settings: EditorSettings;
  readonly objectScore: number;
  readonly objectSuccess: number;
  readonly preservationMse: number;
  readonly n: number;
}

/** The models whose validation results decide, and the arms they decide for. */
export const DECIDERS = { 'A-0': ['A', 'A-2x'], 'M-0': ['M', 'N'] } as const satisfies Record<string, Arm[]>;

export async function readSweep(work: string): Promise<readonly SweepRow[]> {
  return JSON.parse(await readFile(join(work, 'sweep.json'), 'utf8')) as SweepRow[];
}

/** Settings for an arm: the cell with the best mean object score of the model that decides for it. */
export function chosenSettings(rows: readonly SweepRow[], arm: Arm): EditorSettings {
  const decider = Object.entries(DECIDERS).find(([, arms]) => (arms as readonly Arm[]).includes(arm))?.[0];
  const own = rows.filter(({ model }) => model === decider);
  const best = own.reduce<SweepRow | undefined>(
    (so, row) => (so === undefined || row.objectScore > so.objectScore ? row : so),
    undefined,
  );
  if (best === undefined) throw new Error(`sweep.json has no row that decides for ${arm}: run "sweep" first`);
  return best.settings;
}
