import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PeopleError } from '../people/errors.js';
import type { StudyItem } from './study-item.js';

/** Name of the file in a folder of outputs made elsewhere: one JSON object per line, paths relative to the folder. */
export const resultsFileName = 'results.jsonl';

/** True for a folder that says everything itself; a run of the benchmark needs the benchmark beside. */
export function isStudyFolder(folder: string): boolean {
  return existsSync(join(folder, resultsFileName));
}

/**
 * Outputs that were made elsewhere, as items to rate: lines of `results.jsonl` with `task`, `item`, `model`,
 * `instruction`, `source`, `output` and perhaps `target`. Other fields are left alone.
 *
 * @param options.model what to call the model instead
 * @throws PeopleError `bad-items` naming file, line and field; the signal's reason
 */
export async function readStudyFolder(
  folder: string,
  options: { readonly model?: string; readonly signal?: AbortSignal } = {},
): Promise<StudyItem[]> {
  const lines = await readJsonLines(join(folder, resultsFileName), options.signal);
  return lines.map(({ value, where }) => {
    const item = toItem(value, where, folder);
    return options.model === undefined ? item : { ...item, model: options.model };
  });
}

/**
 * The objects of a file with one per line. A last line without a line feed, as a killed program leaves it, is left out.
 * @throws PeopleError `bad-items` naming file and line; the signal's reason
 */
export async function readJsonLines(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly value: Readonly<Record<string, unknown>>; readonly where: string }[]> {
  let text: string;
  try {
    text = await readFile(path, signal ? { encoding: 'utf8', signal } : 'utf8');
  } catch (error) {
    signal?.throwIfAborted();
    throw new PeopleError('bad-items', `${path} cannot be read`, { cause: error });
  }
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line, index) => (line.trim() === '' ? [] : [toObject(line, `${path} line ${index + 1}`)]));
}

function toObject(
  line: string,
  where: string,
): { readonly value: Readonly<Record<string, unknown>>; readonly where: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new PeopleError('bad-items', `${where} is not JSON`);
  }
  if (typeof value !== 'object' || value === null)
    throw new PeopleError('bad-items', `${where} must be an object`);
  return { value: value as Record<string, unknown>, where };
}

function toItem(fields: Readonly<Record<string, unknown>>, where: string, folder: string): StudyItem {
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
