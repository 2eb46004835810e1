/**
 * @module
 * `triptych aurora bench`: measures a model that edits pictures, on our benchmark or on data in AURORA-Bench's layout.
 *
 * Image packages are loaded when the command runs: text commands must not need them.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchProgress, Editor, EditorSettings, ResultRow } from '@triptych/aurora';
import { type Command, Option } from 'commander';
import { integer, number } from '../options.js';
import { resolveEditModel } from '../places.js';
import type { Runtime } from '../runtime.js';

export interface AuroraBenchFlags {
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly rows?: number;
  readonly tasks?: readonly string[];
  readonly seeds: number;
  readonly seed: number;
  /** False with `--no-disc-edit`. */
  readonly discEdit: boolean;
  readonly side?: number;
  readonly clipVision?: string;
  readonly steps?: number;
  readonly sampler?: EditorSettings['sampler'];
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly examples: number;
  readonly threads?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Opens a model; tests give one of their own. */
export type OpenEditor = (path: string, options: { readonly threads: number }) => Promise<Editor>;

const samplers = [
  'ddim',
  'euler',
  'euler-ancestral',
  'dpm++',
] as const satisfies readonly EditorSettings['sampler'][];

/** Adds `bench` to the group. */
export function addAuroraBenchCommand(group: Command, runtime: Runtime, open?: OpenEditor): void {
  group
    .command('bench')
    .description('Measure a model that edits pictures; a stopped run goes on where it was')
    .option('-m, --model <folder>', 'embedded, or a folder of diffusers kind', 'embedded')
    .option(
      '-d, --data <folder>',
      "world for ours (made when needed), or a folder: ours or AURORA-Bench's layout",
      'world',
    )
    .requiredOption('-o, --out <folder>', 'folder for outputs, results.json and report.html')
    .option('--rows <count>', 'first rows of each task (default: all, 200 of ours)', integer(1, 100_000))
    .option('--tasks <names>', 'only these, separated by commas', names)
    .option('--seeds <count>', 'noise seeds for each row', integer(1, 1000), 4)
    .option('--seed <number>', 'base of all noise', integer(0, 2 ** 31 - 1), 0)
    .option('--no-disc-edit', 'leave out the instructions that already hold')
    .option(
      '--side <pixels>',
      'squash pictures to this square (default: what the model was trained at)',
      integer(8, 2048),
    )
    .option('--clip-vision <folder>', 'CLIP weights as transformers writes them: adds CLIP-I')
    .option('--steps <count>', "steps (default: the model's)", integer(1, 1000))
    .addOption(new Option('--sampler <name>', "sampler (default: the model's)").choices(samplers))
    .option('--text-guidance <number>', "default: the model's", number(0, 100))
    .option('--image-guidance <number>', "default: the model's", number(0, 100))
    .option('--examples <count>', 'rows of each task shown in the report', integer(0, 1000), 9)
    .option('-t, --threads <count>', 'threads (default: the CPU quota)', integer(1, 1024))
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'no progress')
    .action((flags: AuroraBenchFlags) => auroraBench(runtime, flags, open));
}

function names(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Runs the benchmark and writes both reports. */
export async function auroraBench(
  runtime: Runtime,
  flags: AuroraBenchFlags,
  open?: OpenEditor,
): Promise<void> {
  const aurora = await import('@triptych/aurora');
  const openEditor = open ?? ((path, options) => aurora.openEditor(path, options));
  const progress = progressLine(runtime, flags);
  const files = await runtime.interrupts.guard(async (signal) => {
    try {
      const data = flags.data === 'world' ? await worldData(flags, progress, signal) : resolve(flags.data);
      const { rows, tasks } = flags;
      const set = aurora.selectItems(await aurora.loadBenchmark(data), {
        ...(rows === undefined ? {} : { rows }),
        ...(tasks === undefined ? {} : { tasks }),
      });
      const threads = flags.threads ?? (await import('@triptych/native')).cpuQuota();
      const named = flags.model === 'embedded' ? undefined : flags.model;
      const clip = flags.clipVision;
      await using clipVision =
        clip === undefined ? undefined : await aurora.ClipVision.open(clip, { threads, signal });
      const editor = await openEditor(resolveEditModel(named, runtime.editModelFolder), { threads });
      try {
        const run = await aurora.runBenchmark(editor, set, {
          out: flags.out,
          seeds: flags.seeds,
          seed: flags.seed,
          discEdit: flags.discEdit,
          settings: settingsOf(flags),
          ...(flags.side === undefined ? {} : { side: flags.side }),
          ...(clipVision === undefined ? {} : { clipVision }),
          signal,
          onProgress: progress.update,
        });
        return {
          model: run.settings.model,
          ...(await aurora.writeReport(run, { examples: flags.examples, signal })),
        };
      } finally {
        await editor[Symbol.asyncDispose]();
      }
    } finally {
      progress.end();
    }
  });
  if (flags.json === true) {
    await runtime.stdout.json({ html: files.html, json: files.json, results: files.rows });
    return;
  }
  for (const line of table(files.rows, files.model)) await runtime.stdout.line(line);
  await runtime.stdout.line(`${files.html}\n${files.json}`);
}

function settingsOf({
  steps,
  sampler,
  textGuidance,
  imageGuidance,
}: AuroraBenchFlags): Partial<EditorSettings> {
  return {
    ...(steps === undefined ? {} : { steps }),
    ...(sampler === undefined ? {} : { sampler }),
    ...(textGuidance === undefined ? {} : { textGuidance }),
    ...(imageGuidance === undefined ? {} : { imageGuidance }),
  };
}

/** Our benchmark, in the result folder; written once. */
async function worldData(flags: AuroraBenchFlags, progress: Line, signal: AbortSignal): Promise<string> {
  const { benchmarkTasks, writeBenchmark } = await import('@triptych/world');
  const rows = flags.rows ?? 200;
  const folder = join(resolve(flags.out), `world-${rows}`);
  const isThere = Object.keys(benchmarkTasks).every((task) => existsSync(join(folder, task, 'test.json')));
  if (!isThere)
    await writeBenchmark({
      folder,
      rows,
      signal,
      onProgress: ({ name, done, total }) => progress.show(`Making ${name}: row ${done} of ${total}`),
    });
  return folder;
}

interface Line {
  show(text: string): void;
  update(progress: BenchProgress): void;
  end(): void;
}

/** One line on standard error, at a terminal only, with the time left. */
function progressLine(runtime: Runtime, flags: AuroraBenchFlags): Line {
  const stream = runtime.stderr;
  const isShown = stream.isTTY === true && flags.quiet !== true && flags.json !== true;
  const show = (text: string): void => {
    if (!isShown) return;
    const width = Math.max(20, stream.columns || 80);
    stream.write(`\r\u001b[K${text.slice(0, width - 1)}`);
  };
  let first: { readonly done: number; readonly at: number } | undefined;
  return {
    show,
    update: ({ task, done, total }) => {
      const at = performance.now();
      // The first report of a continued run counts what was done before.
      first ??= { done, at };
      const left = done > first.done ? ((at - first.at) / (done - first.done)) * (total - done) : undefined;
      const minutes = left === undefined ? '' : `, about ${Math.ceil(left / 60_000)} min left`;
      show(`${task}: ${done} of ${total}${minutes}`);
    },
    end: () => {
      if (isShown) stream.write('\r\u001b[K');
    },
  };
}

/** Success and DiscEdit by task, the baselines beside. */
function table(rows: readonly ResultRow[], model: string): string[] {
  const shown = [
    ['object-success', 'success'],
    ['disc-edit', 'DiscEdit'],
  ] as const;
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const percent = (row: ResultRow | undefined): string =>
    row === undefined
      ? ''
      : `${Math.round(100 * row.mean)} (${Math.round(100 * row.low)} to ${Math.round(100 * row.high)})`;
  const lines: string[] = [];
  for (const [metric, title] of shown) {
    if (!rows.some((row) => row.metric === metric)) continue;
    lines.push(`${`${title}, %`.padEnd(16)} ${model.slice(0, 18).padEnd(18)} ${'copy'.padEnd(14)} random`);
    for (const task of tasks) {
      const of = (arm: string) => rows.find((r) => r.metric === metric && r.task === task && r.arm === arm);
      if (of(model) === undefined) continue;
      lines.push(
        `${task.padEnd(16)} ${percent(of(model)).padEnd(18)} ${percent(of('copy')).padEnd(14)} ${percent(of('random'))}`.trimEnd(),
      );
    }
    lines.push('');
  }
  return lines;
}
