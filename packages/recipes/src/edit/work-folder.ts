import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Arm } from './settings.js';

// Where things lie in the work folder.

export const dataFolder = (work: string): string => join(work, 'data');

/** Path of a set's packed pictures, without extension. */
export const cachePath = (work: string, set: string): string => join(work, 'cache', set);

export const tokenizerFolder = (work: string): string => join(work, 'tokenizer');

/** Where the common beginning of all runs is trained. */
export const baseFolder = (work: string): string => join(work, 'base');

export const runFolder = (work: string, arm: Arm, seed: number): string =>
  join(work, 'runs', `${arm}-${seed}`);

/** Sub-folder of A-2x's run for the one that stops where it has seen as many attribute examples as M. */
export const MATCHED_FOLDER = 'matched';

/** The trained base, kept with the recipe: half an hour of training that every run begins with. */
export const BASE_MODEL = fileURLToPath(new URL('../../edit/base', import.meta.url));
