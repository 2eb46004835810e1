import type { Row } from './dataset.js';
import type { Checks } from './measures.js';
import { generatorVersion, type RejectionLog } from './pairs.js';

/** What is known of a set beside its rows; parts keep it until they are joined. */
export interface About {
  readonly size: number;
  readonly seeds: readonly [number, number];
  readonly wording: string;
  readonly noise?: 'video';
  readonly log: RejectionLog;
}

/** Markdown that says what a set is: kinds, ranges of what the checks measured, why drafts were rejected. */
export function datasheet(
  name: string,
  rows: readonly Row[],
  { size, seeds, wording, noise, log }: About,
): string {
  const kinds = new Map<string, number>();
  for (const { kind } of rows) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const list = (entries: Iterable<[string, unknown]>) =>
    [...entries].map(([k, n]) => `- ${k}: ${n}`).join('\n');
  const noisy = rows.filter((row) => row.noise === 'camera').length;
  return `# ${name}

Rendered pairs of a seeded toy world (not photographs, and not AURORA's data; only the row format is AURORA's).
Rows: ${rows.length}, ${size} pixels, seeds ${seeds[0]} to ${seeds[1] - 1}, wording: ${wording}, generator version ${generatorVersion}.
${
  noise
    ? `
**Not minimal, on purpose** (ablation): besides what the instruction says, the camera shakes (${noisy} rows) or an
unrelated object moves (${rows.length - noisy} rows), as in frames of handheld video. The pairs passed all checks before that; the
pictures after do not (camera, bystander and changed-pixels are broken by design).
`
    : ''
}
## Kinds
${list(kinds)}
${ranges(rows, noise !== undefined)}
## Rejected drafts, by reason
${list(Object.entries(log))}
`;
}

const measures = [
  'changedPixels',
  'bystanderOverlap',
  'visible',
  'displacement',
] as const satisfies readonly (keyof Checks)[];

/** The span of each measure; empty for rows of before there was `checks`. */
function ranges(rows: readonly Row[], isNoisy: boolean): string {
  const lines = measures.flatMap((name) => {
    const values = rows.flatMap(({ checks }) => checks?.[name] ?? []).sort((a, b) => a - b);
    if (values.length === 0) return [];
    const [least, median, largest] = [values[0], values[values.length >> 1], values.at(-1)];
    return [
      `- ${name}: ${least}, ${median}, ${largest} (${values.length} row${values.length === 1 ? '' : 's'})`,
    ];
  });
  return lines.length === 0
    ? ''
    : `
## What the checks measured${isNoisy ? ' before the noise was added' : ''}: least, median, largest
${lines.join('\n')}
`;
}
