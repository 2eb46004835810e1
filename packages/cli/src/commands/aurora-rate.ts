/**
 * @module
 * `triptych aurora rate`: people rate what models made, without knowing which model made it.
 *
 * Image packages are loaded when the command runs: text commands must not need them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StudyItem } from '@triptych/aurora';
import type { Command } from 'commander';
import { UsageError } from '../exit.js';
import { integer } from '../options.js';
import type { Runtime } from '../runtime.js';
import { type PeopleFlags, servePeople } from './aurora-people.js';

export interface RateFlags extends PeopleFlags {
  readonly db: string;
  readonly bench?: string;
  readonly perTask?: number;
  readonly seed: number;
  readonly report?: boolean;
  readonly export?: string;
}

/** Adds `rate` to the group. */
export function addRateCommand(group: Command, runtime: Runtime): void {
  group
    .command('rate')
    .description('Let people rate results of aurora bench on a page; model names are hidden')
    .argument('[results...]', 'result folders, one or more models; name=folder calls a model otherwise')
    .option('--bench <folder>', 'the benchmark that the results of aurora bench were made on')
    .requiredOption('--db <file>', 'SQLite file with the ratings; made when missing')
    .option('--per-task <count>', 'at most this many items of each task (default: all)', integer(1, 1e6))
    .option(
      '--seed <number>',
      'draws items and orders; kept from the first start on',
      integer(0, 2 ** 31 - 1),
      1,
    )
    .option('-p, --port <number>', 'port on 127.0.0.1, 0 for any', integer(0, 65_535), 8090)
    .option('--report', 'print means with standard errors and agreement, and end')
    .option('--export <folder>', 'with --report: also write ratings.csv and results.json there')
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'print the address alone')
    .action((results: readonly string[], flags: RateFlags) => rate(runtime, results, flags));
}

/** Serves the study until Ctrl-C, or reports it. */
export async function rate(runtime: Runtime, folders: readonly string[], flags: RateFlags): Promise<void> {
  if (flags.report === true) return report(runtime, flags);
  if (flags.export !== undefined) throw new UsageError('--export needs --report.');
  if (folders.length === 0)
    throw new UsageError('Name the result folders of aurora bench to rate, or ask for --report.');
  const { RatingStudy } = await import('@triptych/aurora');
  using study = await runtime.interrupts.guard(async (signal) => {
    const items = await readItems(folders, flags.bench, signal);
    return RatingStudy.open({
      database: flags.db,
      items,
      seed: flags.seed,
      ...(flags.perTask === undefined ? {} : { perTask: flags.perTask }),
      signal,
    });
  });
  const summary = `${study.trials} outputs to rate, kept in ${flags.db}`;
  await servePeople(runtime, flags, { rating: study }, { path: 'rate', summary });
}

/** Items of all folders: runs of the benchmark, or outputs made elsewhere with everything beside. */
async function readItems(
  folders: readonly string[],
  bench: string | undefined,
  signal: AbortSignal,
): Promise<StudyItem[]> {
  const { isStudyFolder, loadBenchmark, readStudyFolder, readStudyRun } = await import('@triptych/aurora');
  const set = bench === undefined ? undefined : await loadBenchmark(bench);
  const items: StudyItem[] = [];
  for (const argument of folders) {
    // A folder whose own name has an equals sign is still found.
    const named = existsSync(argument) ? undefined : /^([^=/\\]+)=(.+)$/.exec(argument);
    const folder = named?.[2] ?? argument;
    const options = { signal, ...(named?.[1] === undefined ? {} : { model: named[1] }) };
    if (isStudyFolder(folder)) items.push(...(await readStudyFolder(folder, options)));
    else if (set !== undefined) items.push(...(await readStudyRun(folder, set, options)));
    else
      throw new UsageError(
        `${folder} has no results.jsonl; for a run of aurora bench name the benchmark too: --bench <folder>`,
      );
  }
  return items;
}

async function report(runtime: Runtime, flags: RateFlags): Promise<void> {
  const { formatResults, ratingsCsv, readRatings, studyResults } = await import('@triptych/aurora');
  const results = studyResults(flags.db);
  if (flags.export !== undefined) {
    const { writeFileAtomically } = await import('@triptych/media');
    const { ratings } = readRatings(flags.db);
    await writeFileAtomically(join(flags.export, 'ratings.csv'), ratingsCsv(ratings));
    await writeFileAtomically(
      join(flags.export, 'results.json'),
      `${JSON.stringify({ ...results, ratings }, null, 1)}\n`,
    );
  }
  if (flags.json === true) await runtime.stdout.json(results);
  else await runtime.stdout.write(formatResults(results));
}
