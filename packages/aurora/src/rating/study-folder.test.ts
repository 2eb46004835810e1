import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BenchSet } from '../bench/items.js';
import { temporaryFolder, writeStudyFolder } from '../testing/people.js';
import { readStudyFolder } from './study-folder.js';
import { readStudyRun } from './study-run.js';

it('reads what the benchmark wrote, without a last line that was cut short', async () => {
  using folder = temporaryFolder();
  const items = await writeStudyFolder(folder.path);
  expect(await readStudyFolder(folder.path)).toEqual(items);
  appendFileSync(join(folder.path, 'results.jsonl'), '{"task": "phys');
  expect(await readStudyFolder(folder.path)).toEqual(items);
});

it('takes the outputs of a benchmark run, first noise seed, edits only', async () => {
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const edit = { instruction: 'Move it', target: at('t.png') };
  const items = [
    { key: 'ag/1', task: 'ag', source: at('s.png'), edit },
    { key: 'ag/disc-1', task: 'ag', source: at('s.png'), disc: { noChange: 'a', change: 'b' } },
  ];
  const set: BenchSet = { layout: 'aurora', folder: '/bench', items };
  await expect(readStudyRun(folder.path, set)).rejects.toThrow(/neither results.jsonl nor settings.json/);
  writeFileSync(at('settings.json'), JSON.stringify({ format: 1, model: 'small' }));
  await expect(readStudyRun(folder.path, set)).rejects.toThrow(/records.jsonl cannot be read/);
  const record = { item: 'ag/1', task: 'ag', arm: 'model', index: 0, seed: 5, output: 'images/a.png' };
  const write = (...records: object[]) =>
    writeFileSync(at('records.jsonl'), records.map((one) => `${JSON.stringify(one)}\n`).join(''));
  write(
    record,
    { ...record, index: 1 },
    { ...record, arm: 'copy', output: undefined },
    { ...record, item: 'ag/disc-1' },
  );
  const item = {
    item: 'ag/1',
    task: 'ag',
    model: 'small',
    instruction: 'Move it',
    source: at('s.png'),
    output: at('images/a.png'),
    target: at('t.png'),
  };
  expect(await readStudyRun(folder.path, set)).toEqual([item]);
  expect(await readStudyRun(folder.path, set, { model: 'mine' })).toEqual([{ ...item, model: 'mine' }]);
  write({ ...record, item: 'ag/7' });
  await expect(readStudyRun(folder.path, set)).rejects.toThrow(/line 1: item ag\/7 is not in \/bench/);
  write({ ...record, item: 'ag/disc-1' });
  await expect(readStudyRun(folder.path, set)).rejects.toThrow(/no output of a model yet/);
});

it('names file, line and field of what is wrong', async () => {
  using folder = temporaryFolder();
  await expect(readStudyFolder(folder.path)).rejects.toThrow(/results.jsonl cannot be read/);
  const row = { task: 't', item: 3, model: 'm', instruction: 'i', source: 'a.png', output: 'b.png' };
  const read = (...lines: string[]) => {
    writeFileSync(join(folder.path, 'results.jsonl'), `${lines.join('\n')}\n`);
    return readStudyFolder(folder.path);
  };
  expect(await read(JSON.stringify({ ...row, target: 'c.png', seconds: 1 }))).toEqual([
    {
      ...row,
      item: '3',
      source: join(folder.path, 'a.png'),
      output: join(folder.path, 'b.png'),
      target: join(folder.path, 'c.png'),
    },
  ]);
  await expect(read(JSON.stringify(row), 'nonsense')).rejects.toThrow(/results.jsonl line 2 is not JSON/);
  await expect(read('[]')).rejects.toThrow(/line 1: item must be a text/);
  await expect(read(JSON.stringify({ ...row, model: '' }))).rejects.toThrow(/line 1: model must be a text/);
});
