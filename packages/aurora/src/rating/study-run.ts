import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { BenchItem, BenchSet } from '../bench/items.js';
import type { BenchRecord, RunSettings } from '../bench/records.js';
import { PeopleError } from '../people/errors.js';
import { readJsonLines, resultsFileName } from './study-folder.js';
import type { StudyItem } from './study-item.js';

/**
 * The outputs of one run of `triptych aurora bench` as items to rate: the first noise seed of every item that is an
 * edit. What was asked and where the pictures before are stands in the benchmark, not in the run.
 *
 * @param folder result folder with `settings.json` and `records.jsonl`
 * @param set the benchmark it was run on
 * @param model what to call the model; default the name in the run's settings
 * @throws PeopleError `bad-items` naming file and item; the signal's reason
 */
export async function readStudyRun(
  folder: string,
  set: BenchSet,
  options: { readonly model?: string; readonly signal?: AbortSignal } = {},
): Promise<StudyItem[]> {
  const { signal } = options;
  const settings = await readSettings(folder, signal);
  const model = options.model ?? settings.model;
  const byKey = new Map<string, BenchItem>(set.items.map((item) => [item.key, item]));
  const items: StudyItem[] = [];
  for (const { value, where } of await readJsonLines(join(folder, 'records.jsonl'), signal)) {
    const { item: key, task, arm, index, output } = value as Partial<BenchRecord>;
    if (arm !== 'model' || index !== 0) continue;
    const item = typeof key === 'string' ? byKey.get(key) : undefined;
    if (item === undefined || item.task !== task)
      throw new PeopleError(
        'bad-items',
        `${where}: item ${key} is not in ${set.folder}: name the benchmark this run was made on`,
      );
    if (item.edit === undefined) continue;
    if (typeof output !== 'string') throw new PeopleError('bad-items', `${where}: output must be a path`);
    items.push({
      item: item.key,
      task: item.task,
      model,
      instruction: item.edit.instruction,
      source: item.source,
      output: resolve(folder, output),
      ...(item.edit.target === undefined ? {} : { target: item.edit.target }),
    });
  }
  if (items.length === 0) throw new PeopleError('bad-items', `${folder} holds no output of a model yet`);
  return items;
}

async function readSettings(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Pick<RunSettings, 'model'>> {
  const path = join(folder, 'settings.json');
  try {
    const settings: unknown = JSON.parse(
      await readFile(path, signal ? { encoding: 'utf8', signal } : 'utf8'),
    );
    const model = (settings as Partial<RunSettings> | null)?.model;
    if (typeof model === 'string' && model !== '') return { model };
  } catch (error) {
    signal?.throwIfAborted();
    throw new PeopleError(
      'bad-items',
      `${folder} holds neither ${resultsFileName} nor settings.json of a run: name a result folder of aurora bench`,
      { cause: error },
    );
  }
  throw new PeopleError('bad-items', `${path}: model must be a text`);
}
