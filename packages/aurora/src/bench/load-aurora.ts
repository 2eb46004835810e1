import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { AuroraError } from '../errors.js';
import type { BenchItem, BenchSet } from './items.js';
import { loadWorldBenchmark, worldTasks } from './load-world.js';
import { pictureOf, type RawRow, readRows, requiredText, textOf } from './read-rows.js';

/** Files of DiscEdit questions in a folder of AURORA-Bench's layout, with the task each is of. */
function discFiles(root: string): { readonly task: string; readonly file: string }[] {
  const folder = path.join(root, 'disc_edit_data');
  const tasks = new Set([...(existsSync(folder) ? readdirSync(folder) : []), 'whatsup']);
  return [...tasks].sort().flatMap((task) => {
    const valid = path.join(folder, task, 'valid.json');
    // The released file of WhatsUp has another name, and stands with the questions or with the pictures.
    const whatsUp = [folder, root, path.join(root, 'data')].map((at) => path.join(at, task, 'itm_test.json'));
    const file = (task === 'whatsup' ? [...whatsUp, valid] : [valid]).find((one) => existsSync(one));
    return file === undefined ? [] : [{ task, file }];
  });
}

/** Rows name pictures relative to the repository, to `data`, to their task, or bare. */
const folders = (task: string): string[] => [
  '',
  'data',
  `data/${task}`,
  `data/${task}/images`,
  task,
  `${task}/images`,
];

function editItem(root: string, row: RawRow, i: number): BenchItem {
  const task = requiredText(row, 'task');
  const instruction = requiredText(row, 'instruction');
  const source = pictureOf(root, row, 'input', requiredText(row, 'input', 'image'), folders(task));
  const output = textOf(row, 'output');
  return {
    key: `${task}/${i}`,
    task,
    source,
    edit: {
      instruction,
      ...(output === undefined ? {} : { target: pictureOf(root, row, 'output', output, folders(task)) }),
    },
  };
}

/**
 * Loads data in AURORA-Bench's layout: `test.json` (rows of `input`, `instruction`, `task` and perhaps `output`) and
 * DiscEdit questions in `disc_edit_data/<task>/valid.json` and WhatsUp's `itm_test.json`. There, `pos` is the
 * instruction that already holds, `neg` (else `prompt`) the one that asks for a change; rows with an empty `pos` are no
 * questions and are left out.
 * @throws AuroraError `DATA` naming file and row
 */
export async function loadAuroraBench(folder: string): Promise<BenchSet> {
  const root = path.resolve(folder);
  const test = path.join(root, 'test.json');
  const items: BenchItem[] = [];
  if (existsSync(test))
    for (const [i, row] of (await readRows(test)).entries()) items.push(editItem(root, row, i));
  for (const { task, file } of discFiles(root))
    for (const [i, row] of (await readRows(file)).entries()) {
      const noChange = textOf(row, 'pos');
      if (noChange === undefined) continue;
      items.push({
        key: `${task}/disc-${i}`,
        task,
        source: pictureOf(root, row, 'input', requiredText(row, 'input', 'image'), [
          ...folders(task),
          path.relative(root, path.dirname(file)),
          path.join(path.relative(root, path.dirname(file)), 'images'),
        ]),
        disc: { noChange, change: requiredText(row, 'neg', 'prompt', 'instruction') },
      });
    }
  if (items.length === 0)
    throw new AuroraError(
      'DATA',
      `${root} holds neither test.json nor disc_edit_data/<task>/valid.json with rows`,
    );
  return { layout: 'aurora', folder: root, items };
}

/**
 * Loads a benchmark folder, ours or AURORA-Bench's, by what is in it.
 * @throws AuroraError `DATA` when it is neither, or naming file and row
 */
export async function loadBenchmark(folder: string): Promise<BenchSet> {
  const root = path.resolve(folder);
  if (!existsSync(root)) throw new AuroraError('DATA', `there is no folder ${root}`);
  if (existsSync(path.join(root, 'test.json')) || discFiles(root).length > 0) return loadAuroraBench(root);
  if (worldTasks(root).length > 0) return loadWorldBenchmark(root);
  throw new AuroraError(
    'DATA',
    `${root} is no benchmark: it needs <task>/test.json (ours) or test.json (AURORA-Bench's layout)`,
  );
}
