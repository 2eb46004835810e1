/**
 * @module
 * `triptych aurora review`: people accept or reject pairs that curation found, and write their instructions.
 *
 * Image packages are loaded when the command runs: text commands must not need them.
 */
import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { integer } from '../options.js';
import type { Runtime } from '../runtime.js';
import { type PeopleFlags, servePeople } from './aurora-people.js';

export interface ReviewFlags extends PeopleFlags {
  readonly perCandidate: number;
  readonly agree: number;
  readonly export?: string;
}

/** Adds `review` to the group. */
export function addReviewCommand(group: Command, runtime: Runtime): void {
  group
    .command('review')
    .description('Accept, reject and word the pairs that aurora curate found, on a page')
    .argument('<folder>', 'folder with candidates.json; decisions are kept there too')
    .option('--per-candidate <count>', 'annotators that see each pair', integer(1, 1000), 1)
    .option('-p, --port <number>', 'port on 127.0.0.1, 0 for any', integer(0, 65_535), 8090)
    .option('--export <folder>', 'write the accepted pairs as a data set into this folder, and end')
    .option(
      '--agree <count>',
      'with --export: annotators that must have accepted a pair',
      integer(1, 1000),
      1,
    )
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'print the address alone')
    .action((folder: string, flags: ReviewFlags) => review(runtime, folder, flags));
}

/** Serves the review until Ctrl-C, or exports what was accepted. */
export async function review(runtime: Runtime, folder: string, flags: ReviewFlags): Promise<void> {
  const { exportReview, Review } = await import('@triptych/aurora');
  // The accepted pairs can be written while people review.
  const shared = flags.export !== undefined;
  using open = await Review.open(folder, { perCandidate: flags.perCandidate, shared });
  if (flags.export === undefined) {
    const summary = `${open.candidates.length} pairs to review, decisions kept in ${folder}`;
    await servePeople(runtime, flags, { review: open }, { path: 'review', summary });
    return;
  }
  // The folder named is the set itself; rows name files from the folder above, as AURORA's do.
  const set = resolve(flags.export);
  const rows = await runtime.interrupts.guard((signal) =>
    exportReview(open, { folder: dirname(set), name: basename(set), agree: flags.agree, signal }),
  );
  if (flags.json === true) await runtime.stdout.json({ folder: set, rows: rows.length });
  else await runtime.stdout.line(`${rows.length} rows in ${set}/train.json`);
}
