/**
 * @module
 * `triptych aurora curate`: finds pairs of frames in videos between which one small thing changes, for people to
 * review.
 *
 * Image packages are loaded when the command runs: text commands must not need them.
 */
import type { CandidateFile, CurationProgress } from '@triptych/aurora';
import { type Command, Option } from 'commander';
import { integer, number } from '../options.js';
import type { Runtime } from '../runtime.js';

export interface CurateFlags {
  readonly out: string;
  readonly pairsPerClip: number;
  readonly pairs: 'auto' | 'ends' | 'spaced' | 'both';
  readonly every: number;
  readonly spacing: readonly number[];
  readonly captions?: string;
  readonly clipVision?: string;
  readonly size: number;
  readonly threads: number;
  readonly maxCameraMotion?: number;
  readonly minChanged?: number;
  readonly maxChanged?: number;
  readonly maxExtent?: number;
  readonly maxRegions?: number;
  readonly maxCut?: number;
  readonly minSharpness?: number;
  readonly minDistance?: number;
  readonly maxDistance?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Flags that set a limit when they are given. */
const limitNames = [
  'maxCameraMotion',
  'minChanged',
  'maxChanged',
  'maxExtent',
  'maxRegions',
  'maxCut',
  'minSharpness',
  'minDistance',
  'maxDistance',
] as const satisfies readonly (keyof CurateFlags)[];

/** Adds `curate` to the group. */
export function addCurateCommand(group: Command, runtime: Runtime): void {
  group
    .command('curate')
    .description('Find pairs of frames in videos between which one small thing changes')
    .argument('<videos...>', 'video files, or folders to search')
    .requiredOption('-o, --out <folder>', 'folder for candidates; an interrupted run goes on there')
    .option('--pairs-per-clip <count>', 'most candidates of a clip', integer(1, 10_000), 3)
    .addOption(
      new Option('--pairs <which>', 'frames to compare: first and last, at a spacing, or by caption')
        .choices(['auto', 'ends', 'spaced', 'both'])
        .default('auto'),
    )
    .option('--every <seconds>', 'time between first frames of spaced pairs', number(0.05, 3600), 0.5)
    .option('--spacing <seconds>', 'times between the frames of spaced pairs', seconds, [1, 2, 4])
    .option('--captions <file>', 'list of captions (beside clips, .txt and .json are found without)')
    .option('--clip-vision <folder>', 'CLIP weights to compare frames with, as transformers writes them')
    .option('--size <pixels>', 'longest side of the pictures', integer(16, 4096), 512)
    .option('-t, --threads <count>', 'threads for CLIP', integer(1, 1024), 1)
    .option('--max-camera-motion <share>', 'of the diagonal (default: 0.003)', number(0, 1))
    .option('--min-changed <share>', 'of the frame (default: 0.003)', number(0, 1))
    .option('--max-changed <share>', 'of the frame (default: 0.3)', number(0, 1))
    .option('--max-extent <share>', 'of an 8x6 grid that a change may reach (default: 0.34)', number(0, 1))
    .option('--max-regions <count>', 'pieces of change (default: 4)', integer(1, 1000))
    .option('--max-cut <score>', 'largest step from frame to frame (default: 0.12)', number(0, 1))
    .option('--min-sharpness <share>', "of the clip's sharpest frame (default: 0.5)", number(0, 1))
    .option('--min-distance <number>', 'of embeddings (default: 0.1 with CLIP)', number(0, 2))
    .option('--max-distance <number>', 'of embeddings (default: 0.4 with CLIP)', number(0, 2))
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'no progress')
    .action((videos: readonly string[], flags: CurateFlags) => curate(runtime, videos, flags));
}

/** Runs curation, shows how far it is, and prints what was found. */
export async function curate(runtime: Runtime, videos: readonly string[], flags: CurateFlags): Promise<void> {
  const { ClipVision, curateVideos, findVideos } = await import('@triptych/aurora');
  const file = await runtime.interrupts.guard(async (signal) => {
    const clips = await findVideos(videos, signal);
    const { clipVision: folder, threads } = flags;
    await using embedder =
      folder === undefined ? undefined : await ClipVision.open(folder, { threads, signal });
    const limits = Object.fromEntries(
      limitNames.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
    );
    const progress = progressLine(runtime, flags);
    try {
      return await curateVideos(clips, {
        folder: flags.out,
        pairsPerClip: flags.pairsPerClip,
        pairs: flags.pairs,
        every: flags.every,
        spacings: flags.spacing,
        maxSide: flags.size,
        limits,
        signal,
        onProgress: progress.update,
        ...(embedder === undefined ? {} : { embedder }),
        ...(flags.captions === undefined ? {} : { captions: flags.captions }),
      });
    } finally {
      progress.end();
    }
  });
  await print(runtime, file, flags);
}

async function print(runtime: Runtime, file: CandidateFile, flags: CurateFlags): Promise<void> {
  const { clips, pairs, rejected, failed, candidates } = file;
  if (flags.json === true) {
    await runtime.stdout.json({
      folder: flags.out,
      clips,
      pairs,
      candidates: candidates.length,
      rejected,
      failed,
    });
    return;
  }
  for (const { message } of failed) runtime.stderr.write(`skipped: ${message}\n`);
  await runtime.stdout.line(`${candidates.length} candidates of ${pairs} pairs in ${clips} clips`);
  for (const [reason, count] of Object.entries(rejected))
    await runtime.stdout.line(`  ${reason.padEnd(16)} ${String(count).padStart(6)} rejected`);
  if (candidates.length > 0) await runtime.stdout.line(`Next: triptych aurora review ${flags.out}`);
}

const redrawMs = 100;

/** One line on a terminal that is written over. */
function progressLine(
  { stderr }: Runtime,
  { quiet, json }: CurateFlags,
): { readonly update: (progress: CurationProgress) => void; readonly end: () => void } {
  if (stderr.isTTY !== true || quiet === true || json === true)
    return { update: () => undefined, end: () => undefined };
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    update: ({ clip, clips, totalClips, seconds, clipSeconds, found }) => {
      if (performance.now() - drawnAt < redrawMs) return;
      drawnAt = performance.now();
      const at = clipSeconds === undefined ? '' : ` ${seconds.toFixed(0)} of ${clipSeconds.toFixed(0)} s`;
      const line = `clip ${clips + 1} of ${totalClips}${at}, ${found} found: ${clip}`;
      // Names of files may hold anything.
      const shown = line.replaceAll(/\p{Cc}/gu, '?').slice(0, Math.max(20, stderr.columns || 80) - 1);
      stderr.write(`\r\u001b[K${shown}`);
    },
    end: () => {
      stderr.write('\r\u001b[K');
    },
  };
}

function seconds(text: string): readonly number[] {
  return text.split(',').map((part) => number(0.1, 60)(part.trim()));
}
