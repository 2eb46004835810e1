/**
 * How well the filters do on clips whose truth is known (`writeCurationTruth` of the world makes such).
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TruthClip, type TruthLabel, truthLabels } from '@triptych/world';
import { AuroraError } from '../errors.js';
import type { RejectedPair, RejectionReason } from './candidate.js';
import { type CurationOptions, curateVideos } from './curate.js';

/** Which truth a reason stands for, in the order in which they decide when a pair falls to several. */
const labelOf: readonly (readonly [RejectionReason, TruthLabel])[] = [
  ['cut', 'cut'],
  ['camera-motion', 'camera'],
  ['no-change', 'nochange'],
  ['embedding-near', 'nochange'],
  ['too-much-change', 'toomuch'],
  ['embedding-far', 'toomuch'],
];

/** Of one label. Intervals are Wilson's, 95 %. */
export interface LabelFigures {
  readonly label: TruthLabel;
  readonly clips: number;
  /** Clips of this label that were given it, of all of it; undefined when there are none. */
  readonly recall: Share | undefined;
  /** Clips of this label among those that were given it. */
  readonly precision: Share | undefined;
  /** For labels other than `keep`: rejected for whatever reason. */
  readonly rejected: Share | undefined;
}

export interface Share {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The result. */
export interface TruthFigures {
  readonly labels: readonly LabelFigures[];
  /** Clips by truth, then by what they were taken for; `other` fell to quality or to being a duplicate. */
  readonly confusion: Readonly<Record<TruthLabel, Readonly<Partial<Record<TruthLabel | 'other', number>>>>>;
  /** 1st, 5th, 50th, 95th and 99th percentile of the embedding distance of clips to keep: where a band can be set. */
  readonly distances: readonly number[];
}

/**
 * Runs curation on the first and last frames of the clips in a folder with `truth.json`, and compares.
 * @throws AuroraError `DATA`; as {@link curateVideos}
 */
export async function measureFilters(
  folder: string,
  options: Omit<CurationOptions, 'pairs' | 'pairsPerClip'>,
): Promise<TruthFigures> {
  const truth = await readTruth(folder);
  const clips = truth.map(({ clip }) => path.join(folder, clip));
  const file = await curateVideos(clips, { ...options, pairs: 'ends', pairsPerClip: 1 });
  const text = await readFile(path.join(options.folder, 'rejections.jsonl'), 'utf8');
  const rejected = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RejectedPair);
  const kept = new Map(file.candidates.map(({ clip, scores }) => [clip, scores]));
  const given = (clip: string): TruthLabel | 'other' => {
    if (kept.has(path.basename(clip))) return 'keep';
    const reasons = rejected.find((pair) => pair.clip === path.basename(clip))?.reasons ?? [];
    return labelOf.find(([reason]) => reasons.includes(reason))?.[1] ?? 'other';
  };
  const rows = truth.map(({ clip, label }) => ({ clip: path.basename(clip), label, given: given(clip) }));
  const distances = rows
    .filter(({ label }) => label === 'keep')
    .flatMap(({ clip }) => {
      const scores = kept.get(clip) ?? rejected.find((pair) => pair.clip === clip)?.scores;
      return scores?.distance === undefined ? [] : [scores.distance];
    })
    .sort((a, b) => a - b);
  return {
    labels: truthLabels.map((label) => figuresOf(label, rows)),
    confusion: Object.fromEntries(
      truthLabels.map((label) => [
        label,
        countBy(rows.filter((row) => row.label === label).map((row) => row.given)),
      ]),
    ) as TruthFigures['confusion'],
    distances: [0.01, 0.05, 0.5, 0.95, 0.99].map(
      (p) => distances[Math.floor(p * distances.length)] ?? Number.NaN,
    ),
  };
}

function figuresOf(
  label: TruthLabel,
  rows: readonly { readonly label: TruthLabel; readonly given: TruthLabel | 'other' }[],
): LabelFigures {
  const own = rows.filter((row) => row.label === label);
  const taken = rows.filter((row) => row.given === label);
  const right = own.filter((row) => row.given === label).length;
  return {
    label,
    clips: own.length,
    recall: share(right, own.length),
    precision: share(right, taken.length),
    rejected:
      label === 'keep' ? undefined : share(own.filter((row) => row.given !== 'keep').length, own.length),
  };
}

function share(count: number, of: number): Share | undefined {
  if (of === 0) return undefined;
  const z = 1.96;
  const p = count / of;
  const centre = (p + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of);
  return { value: p, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function readTruth(folder: string): Promise<readonly Pick<TruthClip, 'clip' | 'label'>[]> {
  const file = path.join(folder, 'truth.json');
  let rows: unknown;
  try {
    rows = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new AuroraError('DATA', `${file} cannot be read as JSON`, { cause: error });
  }
  const isRow = (row: unknown): row is Pick<TruthClip, 'clip' | 'label'> =>
    typeof row === 'object' &&
    row !== null &&
    'clip' in row &&
    typeof row.clip === 'string' &&
    'label' in row &&
    truthLabels.some((label) => label === row.label);
  if (!Array.isArray(rows) || !rows.every(isRow))
    throw new AuroraError(
      'DATA',
      `${file} must be an array of objects with clip and label (${truthLabels.join(', ')})`,
    );
  return rows;
}
