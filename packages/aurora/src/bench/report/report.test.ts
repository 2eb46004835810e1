/** Reports on data without truth, in AURORA-Bench's own layout: bars by task, and CLIP-I with a tiny CLIP. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClipVision } from '../../curation/clip-vision.js';
import { baselineEditor, copyEdit } from '../baselines.js';
import type { BenchSet } from '../items.js';
import { loadBenchmark } from '../load-aurora.js';
import { runBenchmark } from '../run-benchmark.js';
import type { ResultRow } from '../summarise.js';
import { writeAuroraLayout } from '../testing/aurora-layout.js';
import { chart, shownMetrics } from './charts.js';
import { writeReport } from './report.js';

let root: string;
let set: BenchSet;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'triptych-report-'));
  await writeAuroraLayout(path.join(root, 'data'));
  set = await loadBenchmark(path.join(root, 'data'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const copying = baselineEditor('copying', copyEdit);
const row = (arm: string, task: string, metric: ResultRow['metric'], mean: number): ResultRow => ({
  arm,
  task,
  metric,
  mean,
  low: mean - 0.1,
  high: mean + 0.05,
  n: 7,
  seeds: 2,
});

it('shows bars by task with intervals and the copy beside them where no truth is known', () => {
  const rows = ['emu', 'ag', 'all'].flatMap((task) => [
    row('model', task, 'ssim', 0.5),
    row('copy', task, 'ssim', 0.8),
  ]);
  const [first] = shownMetrics(rows);
  const bars = chart(rows, first!, 'model')?.html ?? '';
  expect(bars).toContain('SSIM to the target');
  for (const task of ['emu', 'ag', 'All tasks'])
    expect(bars).toMatch(
      new RegExp(
        `${task}<br><small>n 7</small>.*width:50.00%.*left:40.00%;width:15.00%.*0.500 \\(0.400 to 0.550\\)` +
          '.*class="copy" style="width:80.00%".*0.800 \\(0.700 to 0.850\\)',
      ),
    );
  // With truth, success is shown and closeness is left to the table.
  const truth = [...rows, row('model', 'emu', 'object-success', 1)];
  expect(shownMetrics(truth).map(({ name }) => name)).not.toContain('ssim');
});

it('reports closeness by task, and that CLIP-I is left out without weights', async () => {
  const run = await runBenchmark(copying, set, { out: path.join(root, 'plain'), seeds: 2 });
  const { html, rows } = await writeReport(run, { examples: 0 });
  const page = await readFile(html, 'utf8');
  expect(page).toContain('SSIM to the target by task');
  expect(page).toContain('L1 to the target by task');
  expect(page).toMatch(/<th scope="row">magicbrush<br><small>n 1<\/small>/);
  expect(page).toContain('CLIP-I is left out: no CLIP weights were given (--clip-vision).');
  expect(page).not.toContain('CLIP-I ↑');
  expect(rows.some(({ metric }) => metric === 'clip-i')).toBe(false);
});

it('measures CLIP-I of every arm where there is a target, and keeps runs with and without apart', async () => {
  const fixture = fileURLToPath(new URL('../../../../nets/fixtures/clip-vision', import.meta.url));
  await using clipVision = await ClipVision.open(fixture);
  const options = { out: path.join(root, 'clip'), seeds: 1, discEdit: false, clipVision };
  const target = baselineEditor('copying', ({ image }) => ({
    ...image,
    data: image.data.map((v) => 255 - v),
  }));
  const run = await runBenchmark(target, set, options);
  const { html, json, rows } = await writeReport(run, { examples: 0 });
  const found = rows.filter(({ metric, task }) => metric === 'clip-i' && task !== 'all');
  expect(found.map(({ arm, task }) => `${arm} ${task}`).sort()).toEqual([
    'copy magicbrush',
    'copying magicbrush',
    'random magicbrush',
  ]);
  const mean = (arm: string) => found.find((one) => one.arm === arm)?.mean ?? Number.NaN;
  expect(mean('copy')).toBeGreaterThan(mean('copying'));
  for (const { mean: similarity } of found) expect(Math.abs(similarity)).toBeLessThanOrEqual(1);
  expect(JSON.parse(await readFile(json, 'utf8'))).toContainEqual(found[0]);
  const page = await readFile(html, 'utf8');
  expect(page).toContain('<th scope="col">CLIP-I ↑</th>');
  expect(page).toContain(clipVision.version.slice(0, 16));
  expect(page).not.toContain('left out');
  expect((await runBenchmark(target, set, options)).records).toEqual(run.records);
  const { clipVision: _, ...without } = options;
  await expect(runBenchmark(target, set, without)).rejects.toThrow(/holds results with clipVision "/);
});
