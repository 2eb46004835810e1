import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AuroraError } from '../errors.js';

/** One row of a JSON list, with where it stands for error messages. */
export interface RawRow {
  readonly where: string; // "test.json, row 3"
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Reads a JSON file that is a list of objects.
 * @throws AuroraError `DATA` naming file and row
 */
export async function readRows(file: string): Promise<RawRow[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new AuroraError('DATA', `cannot read ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AuroraError('DATA', `${file} is not JSON: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  if (!Array.isArray(value)) throw new AuroraError('DATA', `${file} must hold a list of rows`);
  return value.map((fields: unknown, i) => {
    const where = `${file}, row ${i}`;
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
      throw new AuroraError('DATA', `${where} must be an object`);
    return { where, fields: fields as Record<string, unknown> };
  });
}

/**
 * A text field, or undefined when it is missing or empty. A list counts as its first text, as AURORA's loader has it.
 * @throws AuroraError `DATA` when it is something else
 */
export function textOf({ where, fields }: RawRow, name: string): string | undefined {
  const value = fields[name];
  const text: unknown = Array.isArray(value) ? value[0] : value;
  if (text === undefined || text === null || text === '') return undefined;
  if (typeof text !== 'string') throw new AuroraError('DATA', `${where}: ${name} must be a text`);
  return text;
}

/** As `textOf`, but it must be there. */
export function requiredText(row: RawRow, ...names: readonly string[]): string {
  for (const name of names) {
    const text = textOf(row, name);
    if (text !== undefined) return text;
  }
  throw new AuroraError('DATA', `${row.where}: ${names.join(' or ')} is missing`);
}

/**
 * The picture a row names, looked for in these folders in turn; it may not lead out of the data folder.
 * @throws AuroraError `DATA` naming row, field and the folders
 */
export function pictureOf(
  root: string,
  row: RawRow,
  name: string,
  relative: string,
  folders: readonly string[],
): string {
  for (const folder of folders) {
    const file = path.resolve(root, folder, relative);
    const inside = path.relative(root, file);
    if (inside.startsWith('..') || path.isAbsolute(inside))
      throw new AuroraError('DATA', `${row.where}: ${name} '${relative}' leads out of ${root}`);
    if (existsSync(file)) return file;
  }
  const looked = folders.map((folder) => path.join(root, folder)).join(', ');
  throw new AuroraError('DATA', `${row.where}: ${name} '${relative}' is not there (looked in ${looked})`);
}
