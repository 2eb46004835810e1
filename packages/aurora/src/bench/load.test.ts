import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectItems } from './items.js';
import { loadBenchmark } from './load-aurora.js';
import { writeAuroraLayout } from './testing/aurora-layout.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'triptych-bench-'));
  await writeAuroraLayout(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const broken = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(path.join(root, 'broken-'));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
};

describe("AURORA-Bench's layout", () => {
  it('is read with its oddities', async () => {
    const set = await loadBenchmark(root);
    expect(set.layout).toBe('aurora');
    expect(set.items).toEqual([
      {
        key: 'magicbrush/0',
        task: 'magicbrush',
        source: path.join(root, 'data/magicbrush/images/0-input.png'),
        edit: {
          instruction: 'move the square',
          target: path.join(root, 'data/magicbrush/images/0-output.png'),
        },
      },
      {
        key: 'emu/1',
        task: 'emu',
        source: path.join(root, 'data/emu/images/7.png'),
        edit: { instruction: 'make it <b>night</b>' },
      },
      {
        key: 'ag/disc-0',
        task: 'ag',
        source: path.join(root, 'data/ag/images/a_left.png'),
        disc: { noChange: 'keep her standing', change: 'make her sit down' },
      },
      {
        key: 'whatsup/disc-0',
        task: 'whatsup',
        source: path.join(root, 'data/whatsup/images/bowl_under_table.png'),
        disc: { noChange: 'move the bowl under the table', change: 'move the bowl on the table' },
      },
    ]);
  });

  it('gives parts by task and rows', async () => {
    const set = await loadBenchmark(root);
    expect(selectItems(set, { tasks: ['emu'] }).items.map(({ key }) => key)).toEqual(['emu/1']);
    expect(selectItems(set, { rows: 1 }).items).toHaveLength(4);
    expect(() => selectItems(set, { tasks: ['clevr'] })).toThrow(
      /'clevr'; this set has magicbrush, emu, ag, whatsup/,
    );
    expect(() => selectItems(set, { rows: 0 })).toThrow(/rows must be/);
  });

  it('names the file and the row of what is wrong', async () => {
    const row = { input: '7.png', instruction: 'x', task: 'emu' };
    const cases: [Record<string, string>, RegExp][] = [
      [{ 'test.json': '[{"input":' }, /test\.json is not JSON/],
      [{ 'test.json': '{}' }, /test\.json must hold a list/],
      [{ 'test.json': '[1]' }, /test\.json, row 0 must be an object/],
      [{ 'test.json': JSON.stringify([{ ...row, instruction: '' }]) }, /row 0: instruction is missing/],
      [{ 'test.json': JSON.stringify([{ ...row, instruction: 5 }]) }, /row 0: instruction must be a text/],
      [{ 'test.json': JSON.stringify([row]) }, /row 0: input '7\.png' is not there \(looked in/],
      [{ 'test.json': JSON.stringify([{ ...row, input: '../../x.png' }]) }, /row 0: input .* leads out of/],
      [{ 'test.json': '[]' }, /holds neither test\.json nor/],
      [{ 'notes.txt': '' }, /is no benchmark/],
    ];
    for (const [files, message] of cases)
      await expect(loadBenchmark(await broken(files))).rejects.toThrow(message);
    await expect(loadBenchmark(path.join(root, 'nowhere'))).rejects.toThrow(/there is no folder/);
    await expect(loadBenchmark(await broken({ 'test.json': '{}' }))).rejects.toMatchObject({ code: 'DATA' });
  });
});
