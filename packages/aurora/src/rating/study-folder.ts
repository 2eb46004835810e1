import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PeopleError } from '../people/errors.js';
import type { StudyItem } from './study-item.js';

/** Name of the file in a result folder: one JSON object per line, paths relative to the folder. */
export const resultsFileName = 'results.jsonl';

/**
 * What `triptych aurora bench` left in a folder, as items to rate: lines of `results.jsonl` with `task`, `item`,
 * `model`, `instruction`, `source`, `output` and perhaps `target`. Other fields are left alone; a last line that was
 * cut short, as a killed benchmark leaves it, is too.
 *
 * @throws PeopleError `bad-items` naming file, line and field; the signal's reason
 */
export async function readStudyFolder(folder: string, signal?: AbortSignal): Promise<StudyItem[]> {
  const path = join(folder, resultsFileName);
  let text: string;
  try {
    text = await readFile(path, signal ? { encoding: 'utf8', signal } : 'utf8');
  } catch (error) {
    signal?.throwIfAborted();
    throw new PeopleError(
      'bad-items',
      `there is no ${resultsFileName} in ${folder}: give a folder that 'triptych aurora bench' wrote`,
      { cause: error },
    );
  }
  const lines = text.split('\n');
  // Without a line feed at its end the last line may be half of one.
  const whole = lines.slice(0, -1);
  return whole.flatMap((line, index) =>
    line.trim() === '' ? [] : [toItem(line, `${path} line ${index + 1}`, folder)],
  );
}

function toItem(line: string, where: string, folder: string): StudyItem {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    throw new PeopleError('bad-items', `${where} is not JSON`);
  }
  if (typeof row !== 'object' || row === null)
    throw new PeopleError('bad-items', `${where} must be an object`);
  const fields = row as Readonly<Record<string, unknown>>;
  const text = (field: string): string => {
    const value = fields[field];
    if (typeof value === 'string' && value !== '') return value;
    throw new PeopleError('bad-items', `${where}: ${field} must be a text`, { field });
  };
  return {
    item: typeof fields.item === 'number' ? String(fields.item) : text('item'),
    task: text('task'),
    model: text('model'),
    instruction: text('instruction'),
    source: resolve(folder, text('source')),
    output: resolve(folder, text('output')),
    ...(fields.target === undefined || fields.target === null
      ? {}
      : { target: resolve(folder, text('target')) }),
  };
}
