import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Scene } from '@triptych/world';
import { AuroraError } from '../errors.js';
import type { BenchItem, BenchSet } from './items.js';
import { pictureOf, type RawRow, readRows, requiredText, textOf } from './read-rows.js';

/** Sub-folders of a data folder that hold a `test.json`. */
export function worldTasks(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(folder, entry.name, 'test.json')))
    .map(({ name }) => name)
    .sort();
}

function sceneOf({ where, fields }: RawRow, name: string): Scene {
  const value = fields[name];
  const scene = value as Partial<Scene> | null | undefined;
  const isScene =
    typeof scene === 'object' &&
    scene !== null &&
    Array.isArray(scene.objects) &&
    Array.isArray(scene.props) &&
    typeof scene.floor === 'string' &&
    typeof scene.camera === 'object' &&
    typeof scene.light === 'object';
  if (!isScene) throw new AuroraError('DATA', `${where}: ${name} must be a scene of @triptych/world`);
  return scene as Scene;
}

/**
 * Loads our benchmark as `writeBenchmark` of `@triptych/world` writes it: a folder for each task with a `test.json`.
 * @throws AuroraError `DATA` naming file and row
 */
export async function loadWorldBenchmark(folder: string): Promise<BenchSet> {
  const root = path.resolve(folder);
  const items: BenchItem[] = [];
  for (const task of worldTasks(root)) {
    for (const [i, row] of (await readRows(path.join(root, task, 'test.json'))).entries()) {
      const instruction = requiredText(row, 'instruction');
      const noChange = textOf(row, 'nochange');
      const picture = (name: string): string =>
        pictureOf(root, row, name, requiredText(row, name), ['', task]);
      items.push({
        key: `${task}/${String(row.fields.seed ?? i)}`,
        task,
        source: picture('input'),
        edit: {
          instruction,
          target: picture('output'),
          truth: {
            before: sceneOf(row, 'state0'),
            after: sceneOf(row, 'state1'),
            kind: requiredText(row, 'kind'),
          },
        },
        ...(noChange === undefined ? {} : { disc: { noChange, change: instruction } }),
      });
    }
  }
  if (items.length === 0)
    throw new AuroraError(
      'DATA',
      `${root} holds no <task>/test.json with rows: write it with writeBenchmark`,
    );
  return { layout: 'world', folder: root, items };
}
