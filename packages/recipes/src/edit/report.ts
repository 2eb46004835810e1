import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchItem, Estimate } from '@triptych/aurora';
import { encodeImage, type Raster, readImage, resizeImage, writeFileAtomically } from '@triptych/media';
import { comparisonItems } from './benchmark.js';
import { picturesFolder, readResults } from './evaluate.js';
import { MODELS } from './models.js';
import {
  correlations,
  difference,
  GROUPS,
  modelsOf,
  type ResultRow,
  ResultTable,
  resultRows,
  TASKS,
  writeResults,
} from './results.js';
import { SIDE } from './settings.js';
import { chosenSettings, readSweep } from './sweep-results.js';

/** Where the report goes. */
export interface ReportFolders {
  readonly work: string;
  readonly docs: string;
}

const BEGIN = '<!-- written by "npm run -w @triptych/recipes edit -- report": begin -->';
const END = '<!-- end -->';

/** Writes `docs/results/aurora.json`, the pictures, and the tables of `docs/aurora.md`. */
export async function report(
  { work, docs }: ReportFolders,
  shards: number,
  signal: AbortSignal,
): Promise<void> {
  const records = await readResults(work, shards);
  const table = new ResultTable(records);
  const rows = resultRows(table);
  await writeResults(join(docs, 'results'), rows);
  const text = [
    hypotheses(table),
    mainTable(rows, 'object-success', 'Object-level success, %', 100, 1),
    mainTable(
      rows,
      'preservation-mse',
      'Squared error on pixels that should stay, x 1000 (less is better)',
      1000,
      2,
    ),
    mainTable(rows, 'progress', 'Progress on pixels that should change, % (copy 0, perfect 100)', 100, 1),
    mainTable(rows, 'disc-edit', 'DiscEdit, % (ties not won: copy has 0, chance is 50)', 100, 1),
    mainTable(rows, 'ssim', 'SSIM to the target (what it rewards: see copy)', 1, 3),
    mainTable(
      rows,
      'l1',
      'Mean absolute difference to the target, x 1000 (less is better; see copy)',
      1000,
      2,
    ),
    mainTable(
      rows,
      'l2',
      'Mean squared difference to the target, x 1000 (less is better; see copy)',
      1000,
      2,
    ),
    correlationText(records),
    await settingsText(work),
  ].join('\n\n');
  const path = join(docs, 'aurora.md');
  const page = await readFile(path, 'utf8');
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${path} has no place for the tables: ${BEGIN}`);
  await writeFileAtomically(path, `${before}${BEGIN}\n\n${text}\n\n${END}${after}`);
  await writeFileAtomically(join(docs, 'aurora-edits.png'), await pictures(work, signal));
}

const percent = (value: number): string => (100 * value).toFixed(1);

function hypotheses(table: ResultTable): string {
  const missing = MODELS.map(({ name }) => name).filter((name) => !table.has(name));
  if (missing.length > 0) {
    return `### The hypotheses\n\nNot decided yet. Not trained, or not judged: ${missing.join(', ')}.`;
  }
  const matched = MODELS.filter(({ isMatched }) => isMatched).map(({ name }) => name);
  const line = (what: string, bound: string, holds: boolean, { mean, low, high }: Estimate): string =>
    `| ${what} | ${bound} | ${percent(mean)} (${percent(low)} to ${percent(high)}) | ${holds ? 'holds' : '**does not hold**'} |`;
  const success = (a: readonly string[], b: readonly string[], tasks: readonly string[]): Estimate =>
    difference(table, [a, b], tasks, 'object-success');
  const all = GROUPS['action+reasoning'] ?? [];
  const m = modelsOf('M');
  const overA = success(m, modelsOf('A'), all);
  const overTwice = success(m, modelsOf('A-2x'), all);
  const lines = [
    line('1a: M - A, action and reasoning', '>= 20', overA.mean >= 0.2, overA),
    line('1b: M - A-2x, action and reasoning', '>= 20', overTwice.mean >= 0.2, overTwice),
  ];
  const price = success(m, matched, ['attribute']);
  lines.push(line('2: M - A-2x matched, attribute', '>= -5', price.mean >= -0.05, price));
  const noise = difference(table, [modelsOf('N'), m], TASKS, 'preservation-mse');
  const thousand = (value: number): string => (1000 * value).toFixed(2);
  lines.push(
    `| 3: N - M, squared error on pixels that should stay, x 1000 | > 0 | ${thousand(noise.mean)} (${thousand(noise.low)} to ` +
      `${thousand(noise.high)}) | ${noise.mean > 0 ? 'holds' : '**does not hold**'} |`,
  );
  return [
    '### The hypotheses',
    '',
    '| comparison | bound | difference in points (95 % interval) | |',
    '|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function mainTable(
  rows: readonly ResultRow[],
  metric: string,
  title: string,
  factor: number,
  digits: number,
): string {
  const columns = [
    ['copy', 'copy', metric],
    ['random', 'random', metric],
    ['A', 'A', metric],
    ['A-2x', 'A-2x', metric],
    ['A-2x matched', 'A-2x', `${metric}@matched`],
    ['M', 'M', metric],
    ['N', 'N', metric],
  ] as const;
  const present = columns.filter(([, arm, name]) =>
    rows.some((row) => row.arm === arm && row.metric === name),
  );
  const cell = (task: string, arm: string, name: string): string => {
    const row = rows.find((one) => one.task === task && one.arm === arm && one.metric === name);
    if (row === undefined) return '';
    const half = (factor * (row.high - row.low)) / 2;
    return `${(factor * row.mean).toFixed(digits)} ± ${half.toFixed(digits)}`;
  };
  const count = (task: string): number =>
    rows.find((one) => one.task === task && one.metric === metric)?.n ?? 0;
  const tasks = [...TASKS, ...Object.keys(GROUPS)];
  const body = tasks.map(
    (task) =>
      `| ${task in GROUPS ? `**${task}**` : task} | ${count(task)} | ${present.map(([, arm, name]) => cell(task, arm, name)).join(' | ')} |`,
  );
  return [
    `### ${title}`,
    '',
    `| task | n | ${present.map(([name]) => name).join(' | ')} |`,
    `|---|---|${present.map(() => '---').join('|')}|`,
    ...body,
  ].join('\n');
}

function correlationText(records: Parameters<typeof correlations>[0]): string {
  const { l1, l2, ssim } = correlations(records);
  const show = (value: number | undefined): string => value?.toFixed(2) ?? 'undefined';
  return (
    'Spearman correlation with the object score over all outputs of the trained models: closeness by ' +
    `L1 ${show(l1)}, by L2 ${show(l2)}, SSIM ${show(ssim)}.`
  );
}

async function settingsText(work: string): Promise<string> {
  const rows = await readSweep(work);
  const line = (arms: string, arm: 'A' | 'M'): string => {
    if (!rows.some(({ model }) => model === `${arm}-0`)) return `${arms}: not trained yet`;
    const { steps, textGuidance, imageGuidance } = chosenSettings(rows, arm);
    return `${arms}: ${steps} step${steps === 1 ? '' : 's'} of DDIM, text guidance ${textGuidance}, image guidance ${imageGuidance}`;
  };
  const grid = rows.map(
    ({ model, settings, objectScore, objectSuccess, preservationMse, n }) =>
      `| ${model} | ${settings.steps} | ${settings.textGuidance} | ${settings.imageGuidance} | ${objectScore.toFixed(1)} | ` +
      `${percent(objectSuccess)} | ${(1000 * preservationMse).toFixed(2)} | ${n} |`,
  );
  return [
    '### Guidance and steps, chosen on validation',
    '',
    `Chosen by the mean object score: ${line('A and A-2x', 'A')}; ${line('M and N', 'M')}.`,
    '',
    '| model | steps | text | image | object score | success, % | squared error on kept pixels x 1000 | n |',
    '|---|---|---|---|---|---|---|---|',
    ...grid,
  ].join('\n');
}

/** Columns of the picture beside source and target. */
const SHOWN = ['A-0', 'A-2x-0', 'M-0', 'N-0'] as const;
const ROWS_SHOWN = 3;
const GAP = 4;
const ZOOM = 2;

/** The first judged rows of every task, whatever they show: source, target, and what the arms made. */
async function pictures(work: string, signal: AbortSignal): Promise<Uint8Array> {
  const rows = await comparisonItems(work, signal);
  const blocks = await Promise.all(
    TASKS.map(async (task) => {
      const shown = [...rows].filter(([item, row]) => item.task === task && row < ROWS_SHOWN);
      return await Promise.all(shown.map(([item]) => pictureRow(work, item)));
    }),
  );
  // Tasks in two columns, so that the picture is not a tower.
  const half = blocks.length / 2;
  const [left, right] = [blocks.slice(0, half).flat(), blocks.slice(half).flat()];
  const side = SIDE * ZOOM;
  const columns = Math.max(...[...left, ...right].map((row) => row.length));
  const wide = columns * (side + GAP);
  const width = 2 * wide + 4 * GAP;
  const height = left.length * (side + GAP) + GAP;
  const data = new Uint8Array(3 * width * height).fill(255);
  for (const [block, rows] of [left, right].entries()) {
    for (const [y, row] of rows.entries()) {
      for (const [x, picture] of row.entries()) {
        paste(
          data,
          width,
          picture,
          GAP + block * (wide + 2 * GAP) + x * (side + GAP),
          GAP + y * (side + GAP),
        );
      }
    }
  }
  return await encodeImage({ width, height, channels: 3, data });
}

async function pictureRow(work: string, item: BenchItem): Promise<Raster[]> {
  const folder = picturesFolder(work, item);
  const files = [
    item.source,
    item.edit?.target ?? item.source,
    ...SHOWN.map((name) => join(folder, `${name}.png`)).filter((file) => existsSync(file)),
  ];
  const side = SIDE * ZOOM;
  return await Promise.all(
    files.map(async (file) => resizeImage(await readImage(file), { width: side, height: side })),
  );
}

function paste(into: Uint8Array, width: number, from: Raster, left: number, top: number): void {
  for (let y = 0; y < from.height; y++) {
    const row = from.data.subarray(3 * y * from.width, 3 * (y + 1) * from.width);
    into.set(row, 3 * ((top + y) * width + left));
  }
}
