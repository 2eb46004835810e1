import path from 'node:path';
import { encodeImage, writeFileAtomically } from '@triptych/media';
import { WorldError } from './errors.js';
import { makePair, type Pair, type PairOptions, type RejectionLog } from './pairs.js';
import { type Scene, sceneHash } from './scene.js';

/** A row as AURORA has it, and the truth beside. Paths are relative to the data folder, as its loader expects. */
export interface Row {
  readonly instruction: string;
  readonly input: string;
  readonly output: string;
  readonly task: string;
  readonly kind: string;
  readonly seed: number;
  readonly state0: Scene;
  readonly state1: Scene;
  readonly mask: string;
  readonly nochange?: string;
  readonly inverse?: string;
}

/** What to write. */
export interface DatasetOptions extends PairOptions {
  /** Data folder; the set goes to `<folder>/<name>/`. */
  readonly folder: string;
  readonly name: string;
  /** Rows wanted. */
  readonly rows: number;
  /** First and one past the last seed: the split. Fixed before any edit is drawn. */
  readonly seeds: readonly [number, number];
  /** `train.json` or `test.json`; default 'train'. */
  readonly split?: 'train' | 'test';
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { name: string; done: number; total: number }) => void;
}

/** Seed ranges of the splits; edits are drawn inside them, so no scene can be in two. */
export const splits = {
  train: [0, 1_000_000_000],
  validation: [1_000_000_000, 1_100_000_000],
  test: [1_100_000_000, 2_000_000_000],
} as const satisfies Record<string, readonly [number, number]>;

/** 255 where the picture changes or a target stands before or after. */
function maskOf({ edit, first, last }: Pair): Uint8Array {
  const out = new Uint8Array(first.mask.length);
  const isTarget = (scene: Scene, index: number): boolean =>
    index > 0 && edit.targets.includes(scene.objects[index - 1]!.id);
  for (let i = 0; i < out.length; i++) {
    const changed = [0, 1, 2].some((c) => Math.abs(first.data[3 * i + c]! - last.data[3 * i + c]!) > 8);
    if (changed || isTarget(edit.before, first.mask[i]!) || isTarget(edit.after, last.mask[i]!)) out[i] = 255;
  }
  return out;
}

function datasheet(options: DatasetOptions, rows: readonly Row[], log: RejectionLog): string {
  const kinds = new Map<string, number>();
  for (const { kind } of rows) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const list = (entries: Iterable<[string, unknown]>) =>
    [...entries].map(([k, n]) => `- ${k}: ${n}`).join('\n');
  return `# ${options.name}

Rendered pairs of a seeded toy world (not photographs, and not AURORA's data; only the row format is AURORA's).
Rows: ${rows.length}, ${options.size ?? 64} pixels, seeds ${options.seeds[0]} to ${options.seeds[1] - 1}, wording: ${options.wording ?? 'training'}.

## Kinds
${list(kinds)}

## Rejected drafts, by reason
${list(Object.entries(log))}
`;
}

/**
 * Writes a set: images, masks, \`<split>.json\` and \`datasheet.md\`. The same options give the same bytes.
 * @throws WorldError \`ARGUMENT\` when the seed range ends before there are enough rows; MediaError \`IO\`; the signal's reason
 */
export async function writeDataset(options: DatasetOptions): Promise<readonly Row[]> {
  const { folder, name, seeds, signal, onProgress } = options;
  const log: RejectionLog = {};
  const rows: Row[] = [];
  for (let seed = seeds[0]; rows.length < options.rows; seed++) {
    if (seed >= seeds[1])
      throw new WorldError(
        'ARGUMENT',
        `seeds ${seeds.join('..')} give only ${rows.length} rows of ${name}: widen seeds`,
      );
    signal?.throwIfAborted();
    const pair = await makePair(seed, options, log, signal);
    if (!pair) continue;
    const { edit, first, last, nochange } = pair;
    const file = (suffix: string): string => `${name}/images/${seed}_${suffix}.png`;
    const pictures = [
      [file('0'), first],
      [file('1'), last],
      [file('mask'), { ...first, channels: 1 as const, data: maskOf(pair) }],
    ] as const;
    for (const [to, raster] of pictures)
      await writeFileAtomically(path.join(folder, to), await encodeImage(raster), signal);
    rows.push({
      instruction: edit.instruction,
      input: file('0'),
      output: file('1'),
      task: name,
      kind: edit.kind,
      seed,
      state0: edit.before,
      state1: edit.after,
      mask: file('mask'),
      ...(nochange === undefined ? {} : { nochange }),
      ...(edit.inverse === undefined ? {} : { inverse: edit.inverse }),
    });
    onProgress?.({ name, done: rows.length, total: options.rows });
  }
  const to = path.join(folder, name);
  await writeFileAtomically(
    path.join(to, `${options.split ?? 'train'}.json`),
    `${JSON.stringify(rows)}\n`,
    signal,
  );
  await writeFileAtomically(path.join(to, 'datasheet.md'), datasheet(options, rows, log), signal);
  return rows;
}

/**
 * Asserts that no scene, before or after, of one set is in another.
 * @throws WorldError `ARGUMENT` naming two seeds
 */
export function assertNoLeak(a: readonly Row[], b: readonly Row[]): void {
  const seen = new Map(
    a.flatMap((row) => [row.state0, row.state1].map((s) => [sceneHash(s), row.seed] as const)),
  );
  for (const row of b)
    for (const state of [row.state0, row.state1]) {
      const seed = seen.get(sceneHash(state));
      if (seed !== undefined)
        throw new WorldError(
          'ARGUMENT',
          `seeds ${seed} and ${row.seed} share a scene: use disjoint seed ranges`,
        );
    }
}
