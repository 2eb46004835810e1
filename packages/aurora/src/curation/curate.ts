import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { MediaError, writeFileAtomically } from '@triptych/media';
import { AuroraError } from '../errors.js';
import {
  type Candidate,
  type CandidateFile,
  candidatesFileName,
  type RejectedPair,
  type RejectionReason,
  rejectionReasons,
} from './candidate.js';
import { type Caption, CaptionFinder } from './captions.js';
import { descriptor, type ImageEmbedder } from './descriptor.js';
import { type Examined, examineClip, type FoundPair, type PairSampling } from './examine.js';
import { Journal } from './journal.js';
import { type CurationLimits, completeLimits, remarksOf } from './limits.js';
import { hasPictures, picturePaths, writePictures } from './pictures.js';
import { isSamePair, type PairSignature } from './signature.js';

/** What to curate, and how. */
export interface CurationOptions {
  /** Where results go; a folder of an earlier run is gone on with. */
  readonly folder: string;
  /** Most candidates of a clip; default 3. */
  readonly pairsPerClip?: number;
  /**
   * Pairs to look at. Default `auto`: first and last frame of clips that have a caption, since that is what it
   * describes; of others pairs at the spacings too.
   */
  readonly pairs?: PairSampling['pairs'] | 'auto';
  /** Seconds between the first frames of spaced pairs; default 0.5. */
  readonly every?: number;
  /** Seconds between the frames of a spaced pair; default 1, 2 and 4. */
  readonly spacings?: readonly number[];
  readonly limits?: Partial<CurationLimits>;
  /** Default: the descriptor that needs no weights. */
  readonly embedder?: ImageEmbedder;
  /** A list of captions; without it only side-cars beside the clips are looked for. */
  readonly captions?: string;
  /** Longest side of the pictures, default 512. */
  readonly maxSide?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CurationProgress) => void;
}

/** Where curation is. */
export interface CurationProgress {
  readonly clip: string;
  /** Clips that are finished, of all. */
  readonly clips: number;
  readonly totalClips: number;
  /** Place in the clip and its length, seconds. */
  readonly seconds: number;
  readonly clipSeconds: number | undefined;
  /** Pairs that passed the filters so far. */
  readonly found: number;
}

/** Raise when the filters' arithmetic changes: what older versions found is examined again. */
const algorithm = 1;

interface Clip {
  readonly path: string;
  readonly name: string;
  readonly hash: string;
  readonly caption: Caption | undefined;
  readonly examined: Examined | undefined;
  readonly failure: string | undefined;
}

/**
 * Searches videos for pairs of frames between which one small thing changes. Writes to the folder `candidates.json`
 * (best first, with scores), the pictures, `rejections.jsonl` (every other pair, with reasons and scores) and, as it
 * goes, `clips.jsonl`, from which an interrupted run goes on. Same clips and options give the same files. A clip that
 * is damaged is named in `failed` and does not end the run.
 *
 * @throws AuroraError `ARGUMENT` naming the option, `DATA` for side-cars or a folder that cannot be used; MediaError
 *   `VIDEO_UNAVAILABLE`, `IO` for the folder; the signal's reason
 */
export async function curateVideos(
  videos: readonly string[],
  options: CurationOptions,
): Promise<CandidateFile> {
  const settings = completeOptions(options);
  const { folder, signal, onProgress } = options;
  const journal = await Journal.open(folder);
  const captions = new CaptionFinder(options.captions);
  const clips: Clip[] = [];
  let found = 0;
  for (const [done, video] of videos.entries()) {
    const report = (seconds: number, clipSeconds?: number): void =>
      onProgress?.({ clip: video, clips: done, totalClips: videos.length, seconds, clipSeconds, found });
    signal?.throwIfAborted();
    report(0);
    const clip = await lookAt(video, { settings, journal, captions, signal, report });
    found += clip.examined?.found.length ?? 0;
    clips.push(clip);
  }
  return await conclude(clips, settings, journal, options);
}

interface Settings {
  readonly pairs: PairSampling['pairs'] | 'auto';
  readonly every: number;
  readonly spacings: readonly number[];
  readonly limits: CurationLimits;
  readonly embedder: ImageEmbedder;
  readonly keep: number;
  readonly maxSide: number;
}

function completeOptions(options: CurationOptions): Settings {
  const { pairsPerClip = 3, every = 0.5, spacings = [1, 2, 4], maxSide = 512, pairs = 'auto' } = options;
  const whole = (name: string, value: number, min: number, max: number): void => {
    if (!Number.isInteger(value) || value < min || value > max)
      throw new AuroraError('ARGUMENT', `${name} must be a whole number from ${min} to ${max}, not ${value}`);
  };
  whole('pairsPerClip', pairsPerClip, 1, 10_000);
  whole('maxSide', maxSide, 16, 4096);
  if (!(every >= 0.05 && every <= 3600))
    throw new AuroraError('ARGUMENT', `every must be from 0.05 to 3600 seconds, not ${every}`);
  // Frames are held for the longest spacing.
  if (
    spacings.length === 0 ||
    spacings.some((s) => !(s >= 0.1 && s <= 60)) ||
    Math.max(...spacings) / every > 500
  )
    throw new AuroraError('ARGUMENT', 'spacings must be from 0.1 to 60 seconds and at most 500 times every');
  const limits = completeLimits(options.limits);
  return {
    pairs,
    every,
    spacings,
    limits,
    embedder: options.embedder ?? descriptor,
    keep: pairsPerClip,
    maxSide,
  };
}

/** Examines one clip, or takes what the journal has of it. */
async function lookAt(
  video: string,
  context: {
    readonly settings: Settings;
    readonly journal: Journal;
    readonly captions: CaptionFinder;
    readonly signal: AbortSignal | undefined;
    readonly report: (seconds: number, clipSeconds?: number) => void;
  },
): Promise<Clip> {
  const { settings, journal, captions, signal, report } = context;
  const { keep, limits, embedder, every, spacings } = settings;
  const caption = await captions.find(video);
  const name = path.basename(video);
  const clip = { path: video, name, caption, examined: undefined, failure: undefined };
  const hash = await hashOf(video, signal).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    return undefined;
  });
  if (hash === undefined) return { ...clip, hash: '', failure: `${video} cannot be read` };
  if (caption?.dropped !== undefined) return { ...clip, hash };
  const pairs = settings.pairs === 'auto' ? (caption === undefined ? 'both' : 'ends') : settings.pairs;
  const sampling: PairSampling = { pairs, every, spacings };
  const { name: kind, version, band } = embedder;
  const key = createHash('sha256')
    .update(JSON.stringify([algorithm, hash, sampling, keep, limits, kind, version, band]))
    .digest('hex');
  const known = journal.find(key);
  if (known !== undefined) return { ...clip, hash, examined: known.examined, failure: known.failure };
  try {
    const examined = await examineClip(video, {
      sampling,
      limits,
      embedder,
      keep,
      ...(signal ? { signal } : {}),
      onProgress: ({ seconds, total }) => report(seconds, total),
    });
    await journal.add({ key, clip: name, examined });
    return { ...clip, hash, examined };
  } catch (error) {
    const isClips = MediaError.isInstance(error) && ['VIDEO', 'IO', 'IMAGE_LIMIT'].includes(error.code);
    if (!isClips || signal?.aborted) throw error;
    await journal.add({ key, clip: name, failure: error.message });
    return { ...clip, hash, failure: error.message };
  }
}

/** Compares over clips, ranks, and writes everything. */
async function conclude(
  clips: readonly Clip[],
  settings: Settings,
  journal: Journal,
  options: CurationOptions,
): Promise<CandidateFile> {
  const { folder, signal } = options;
  const rejected: RejectedPair[] = [];
  const kept: { readonly clip: Clip; readonly pair: FoundPair; readonly id: string }[] = [];
  const signatures: PairSignature[] = [];
  const ids = new Set<string>();
  for (const clip of clips) {
    if (clip.caption?.dropped !== undefined)
      rejected.push({ clip: clip.name, firstSeconds: 0, lastSeconds: 0, reasons: ['caption'], scores: {} });
    for (const pair of clip.examined?.rejected ?? []) rejected.push({ clip: clip.name, ...pair });
    for (const pair of clip.examined?.found ?? []) {
      const { firstSeconds, lastSeconds, scores, signature } = pair;
      const id = [
        clip.hash.slice(0, 12),
        ...[firstSeconds, lastSeconds].map((s) => Math.round(1000 * s)),
      ].join('-');
      if (ids.has(id) || signatures.some((other) => isSamePair(other, signature))) {
        rejected.push({ clip: clip.name, firstSeconds, lastSeconds, reasons: ['duplicate'], scores });
        continue;
      }
      ids.add(id);
      signatures.push(signature);
      kept.push({ clip, pair, id });
    }
  }
  kept.sort((a, b) => b.pair.scores.minimality - a.pair.scores.minimality || (a.id < b.id ? -1 : 1));
  const candidates: Candidate[] = [];
  for (const found of kept) candidates.push(await candidateOf(found, settings, journal, options));
  const counts: Partial<Record<RejectionReason, number>> = {};
  for (const reason of rejectionReasons) {
    const count = rejected.filter(({ reasons }) => reasons.includes(reason)).length;
    if (count > 0) counts[reason] = count;
  }
  const file: CandidateFile = {
    format: 'triptych-candidates',
    version: 1,
    embedding: settings.embedder.name,
    clips: clips.length,
    pairs: clips.reduce((sum, clip) => sum + (clip.examined?.pairs ?? 0), 0),
    rejected: counts,
    failed: clips.flatMap(({ name, failure }) =>
      failure === undefined ? [] : [{ clip: name, message: failure }],
    ),
    candidates,
  };
  const lines = rejected.map((pair) => `${JSON.stringify(pair)}\n`).join('');
  await writeFileAtomically(path.join(folder, 'rejections.jsonl'), lines, signal);
  // Last, so that a folder with candidates is a whole one.
  await writeFileAtomically(
    path.join(folder, candidatesFileName),
    `${JSON.stringify(file, null, 1)}\n`,
    signal,
  );
  return file;
}

async function candidateOf(
  { clip, pair, id }: { readonly clip: Clip; readonly pair: FoundPair; readonly id: string },
  { maxSide, limits }: Settings,
  journal: Journal,
  { folder, signal }: CurationOptions,
): Promise<Candidate> {
  const { firstSeconds, lastSeconds, scores } = pair;
  const key = `${id}@${maxSide}`;
  let size = (await hasPictures(folder, id)) ? journal.find(key)?.pictures : undefined;
  if (size === undefined) {
    const stop = signal === undefined ? {} : { signal };
    size = await writePictures(clip.path, folder, { id, firstSeconds, lastSeconds }, { maxSide, ...stop });
    await journal.add({ key, clip: clip.name, pictures: size });
  }
  const { caption } = clip;
  return {
    id,
    ...picturePaths(id),
    ...size,
    clip: clip.name,
    firstSeconds,
    lastSeconds,
    ...(caption === undefined ? {} : { caption: caption.text, instruction: caption.instruction }),
    scores,
    remarks: remarksOf(scores, limits),
  };
}

async function hashOf(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
