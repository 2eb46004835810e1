/**
 * @module
 * `triptych aurora`: the group of commands around image edits. Each command adds itself from a file of its own.
 */
import type { Command } from 'commander';
import type { Runtime } from '../runtime.js';
import { addAuroraBenchCommand } from './aurora-bench.js';
import { addCurateCommand } from './aurora-curate.js';
import { addRateCommand } from './aurora-rate.js';
import { addReviewCommand } from './aurora-review.js';

/** Adds `aurora` and its commands to the program. */
export function addAuroraCommands(program: Command, runtime: Runtime): void {
  const group = program
    .command('aurora')
    .description('Curate pairs, measure and rate models that edit images');
  addRateCommand(group, runtime);
  addReviewCommand(group, runtime);
  addCurateCommand(group, runtime);
  addAuroraBenchCommand(group, runtime);
}
