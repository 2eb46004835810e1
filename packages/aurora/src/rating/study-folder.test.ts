import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder, writeStudyFolder } from '../testing/people.js';
import { readStudyFolder } from './study-folder.js';

it('reads what the benchmark wrote, without a last line that was cut short', async () => {
  using folder = temporaryFolder();
  const items = await writeStudyFolder(folder.path);
  expect(await readStudyFolder(folder.path)).toEqual(items);
  appendFileSync(join(folder.path, 'results.jsonl'), '{"task": "phys');
  expect(await readStudyFolder(folder.path)).toEqual(items);
});

it('names file, line and field of what is wrong', async () => {
  using folder = temporaryFolder();
  await expect(readStudyFolder(folder.path)).rejects.toThrow(/no results.jsonl in .*triptych aurora bench/);
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
  await expect(read('[]', '3')).rejects.toThrow(/line 1: item must be a text/);
  await expect(read(JSON.stringify({ ...row, model: '' }))).rejects.toThrow(/line 1: model must be a text/);
});
