import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readImage } from '@triptych/media';
import { writeBenchmark } from '@triptych/world';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { baselineEditor, copyEdit, randomEdit } from './baselines.js';
import type { BenchSet } from './items.js';
import { loadBenchmark } from './load-aurora.js';
import { writeReport } from './report/report.js';
import { type BenchOptions, runBenchmark } from './run-benchmark.js';
import { type ResultRow, summarise } from './summarise.js';
import { writeAuroraLayout } from './testing/aurora-layout.js';
import { truthEditor } from './testing/editors.js';

vi.setConfig({ testTimeout: 900_000 });

let root: string;
let set: BenchSet;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'triptych-bench-'));
  await writeBenchmark({ folder: path.join(root, 'world'), rows: 1 });
  set = await loadBenchmark(path.join(root, 'world'));
}, 240_000);
afterAll(() => rm(root, { recursive: true, force: true }));

let folders = 0;
const out = (): string => path.join(root, `out-${folders++}`);
const value = (rows: readonly ResultRow[], arm: string, metric: string, task = 'all') =>
  rows.find((r) => r.arm === arm && r.metric === metric && r.task === task)?.mean;

describe('the runner over our benchmark', () => {
  it('gives the truth full marks, copying none, and writes both reports', async () => {
    expect(new Set(set.items.map(({ task }) => task)).size).toBe(8);
    const editor = await truthEditor(set);
    const seen: number[] = [];
    const run = await runBenchmark(editor, set, {
      out: out(),
      seeds: 1,
      onProgress: ({ done, total }) => seen.push(done / total),
    });
    expect(seen).toHaveLength(8);
    expect(seen.at(-1)).toBe(1);
    const { rows, html, json } = await writeReport(run, { examples: 1 });
    expect(value(rows, 'truth', 'object-success')).toBe(1);
    expect(value(rows, 'truth', 'progress')).toBe(1);
    expect(value(rows, 'truth', 'disc-edit')).toBe(1); // leaves alone what already holds
    expect(value(rows, 'copy', 'object-success')).toBe(0);
    expect(value(rows, 'copy', 'preservation-mse')).toBe(0);
    expect(value(rows, 'copy', 'disc-edit')).toBe(0);
    expect(value(rows, 'copy', 'disc-edit-ties')).toBe(1);
    expect(value(rows, 'random', 'object-success')).toBe(0);
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual(rows);
    expect(rows.every((r) => r.low <= r.mean && r.mean <= r.high)).toBe(true);
    expect(await readFile(html, 'utf8')).toContain('<h1>truth on the toy world</h1>');
  });

  it('goes on after an abort as if nothing had happened', async () => {
    const editor = baselineEditor('random-model', randomEdit);
    const part = { ...set, items: set.items.filter(({ task }) => ['attribute', 'global'].includes(task)) };
    const options: BenchOptions = { out: out(), seeds: 2 };
    const whole = await runBenchmark(editor, part, { ...options, out: out() });
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = runBenchmark(editor, part, {
      ...options,
      signal: controller.signal,
      onProgress: ({ done }) => done === 1 && controller.abort(reason),
    });
    await expect(first).rejects.toBe(reason);
    // A killed process may also leave half a line.
    await appendFile(path.join(options.out, 'records.jsonl'), '{"item":"attri');
    let runs = 0;
    const counting = {
      ...editor,
      run: (...args: Parameters<typeof editor.run>) => {
        runs++;
        return editor.run(...args);
      },
    };
    const second = await runBenchmark(counting, part, options);
    expect(second.records).toEqual(whole.records);
    expect(runs).toBe(6);
    const again = await runBenchmark(counting, part, options);
    expect(again.records).toEqual(whole.records);
  });

  it('refuses to mix results, naming what differs', async () => {
    const editor = baselineEditor('copying', copyEdit);
    const part = { ...set, items: set.items.slice(0, 1) };
    const options: BenchOptions = { out: out(), seeds: 1 };
    await runBenchmark(editor, part, options);
    const refused = (other: Partial<BenchOptions>, message: RegExp, model = editor, items = part) =>
      expect(runBenchmark(model, items, { ...options, ...other })).rejects.toThrow(message);
    await refused({ seeds: 2 }, /holds results with seeds 1, this run has 2/);
    await refused({ settings: { textGuidance: 3 } }, /textGuidance 1, this run has 3/);
    await refused({ discEdit: false }, /discEdit true/);
    await refused({}, /hash "copying", this run has "other"/, { ...editor, hash: 'other' });
    await refused({}, /items "/, editor, { ...set, items: set.items.slice(1, 2) });
    await refused({ seeds: 0 }, /seeds must be a whole number from 1/);
    await refused({ side: 65 }, /side must be a multiple of 16/, { ...editor, sideMultiple: 16 });
    await appendFile(path.join(options.out, 'records.jsonl'), 'no json\n');
    await refused({}, /records\.jsonl, line 4 is damaged/);
  });

  it('gives each item noise of its own, and both instructions of a question the same', async () => {
    const seeds: number[] = [];
    const editor = baselineEditor('noting', ({ image, seed }) => {
      seeds.push(seed);
      return image;
    });
    const part = { ...set, items: set.items.filter(({ disc }) => disc).slice(0, 3) };
    await runBenchmark(editor, part, { out: out(), seeds: 2 });
    expect(seeds).toHaveLength(12);
    expect(new Set(seeds).size).toBe(6);
    for (let i = 0; i < seeds.length; i += 2) expect(seeds[i]).toBe(seeds[i + 1]);
  });
});

describe("the runner over AURORA-Bench's layout", () => {
  it('measures distances where there is a target, and DiscEdit', async () => {
    const folder = path.join(root, 'aurora');
    await writeAuroraLayout(folder);
    const aurora = await loadBenchmark(folder);
    const run = await runBenchmark(baselineEditor('random-model', randomEdit), aurora, {
      out: out(),
      side: 64,
    });
    const rows = summarise(run);
    expect(value(rows, 'copy', 'l1', 'magicbrush')).toBeGreaterThan(0);
    expect(value(rows, 'random-model', 'l1', 'emu')).toBeUndefined();
    expect(value(rows, 'random-model', 'object-success')).toBeUndefined();
    expect(rows.find((r) => r.metric === 'disc-edit' && r.task === 'whatsup')).toMatchObject({
      n: 1,
      seeds: 4,
    });
    const shown = run.records.find(({ arm, task }) => arm === 'model' && task === 'emu');
    expect(await readImage(path.join(run.folder, shown!.output!))).toMatchObject({ width: 64, height: 64 });
  });

  it('leaves questions out when DiscEdit is off', async () => {
    const aurora = await loadBenchmark(path.join(root, 'aurora'));
    const run = await runBenchmark(baselineEditor('copying', copyEdit), aurora, {
      out: out(),
      seeds: 1,
      discEdit: false,
    });
    expect(new Set(run.records.map(({ task }) => task))).toEqual(new Set(['magicbrush', 'emu']));
  });

  it('names the row whose picture is damaged', async () => {
    const folder = path.join(root, 'damaged');
    await writeAuroraLayout(folder);
    await writeFile(path.join(folder, 'data/emu/images/7.png'), 'not a picture');
    const aurora = await loadBenchmark(folder);
    const run = runBenchmark(baselineEditor('copying', copyEdit), aurora, { out: out(), seeds: 1 });
    await expect(run).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringMatching(/emu\/1: input .*7\.png: not an image/),
    });
  });
});
