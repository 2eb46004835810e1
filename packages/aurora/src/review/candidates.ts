import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { type Candidate, type CandidateFile, candidatesFileName } from '../curation/candidate.js';
import { PeopleError } from '../people/errors.js';

/**
 * Reads `candidates.json` of a folder that curation wrote. Every candidate has what review needs, ids are unique,
 * pictures are inside the folder and there.
 *
 * @throws PeopleError `bad-items`, `bad-image` naming the candidate
 */
export async function readCandidates(folder: string): Promise<CandidateFile> {
  const path = join(folder, candidatesFileName);
  let file: unknown;
  try {
    file = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new PeopleError(
      'bad-items',
      missing
        ? `there is no ${candidatesFileName} in ${folder}: run 'triptych aurora curate' into that folder first`
        : `${path} cannot be read as JSON`,
      { cause: error },
    );
  }
  if (!isRecord(file) || file.format !== 'triptych-candidates' || file.version !== 1)
    throw new PeopleError(
      'bad-items',
      `${path} must have format "triptych-candidates" and version 1: run 'triptych aurora curate' again`,
    );
  if (!Array.isArray(file.candidates))
    throw new PeopleError('bad-items', `${path}: candidates must be a list`);
  const ids = new Set<string>();
  for (const [index, candidate] of file.candidates.entries())
    checkCandidate(candidate, `candidates[${index}]`, folder, ids);
  return file as unknown as CandidateFile;
}

function checkCandidate(value: unknown, where: string, folder: string, ids: Set<string>): void {
  const bad = (what: string): PeopleError =>
    new PeopleError('bad-items', `${where} of candidates.json: ${what}`);
  if (!isRecord(value)) throw bad('must be an object');
  const candidate = value as Partial<Candidate>;
  const { id } = candidate;
  if (typeof id !== 'string' || !/^[\w-]{1,200}$/.test(id)) throw bad('id must be letters, digits, - and _');
  if (ids.has(id)) throw bad(`id ${id} is there twice`);
  ids.add(id);
  for (const field of ['input', 'output', 'mask'] as const) {
    const path = candidate[field];
    if (typeof path !== 'string' || path === '') throw bad(`${field} must be a path`);
    if (isAbsolute(path) || normalize(path).split(/[\\/]/)[0] === '..')
      throw bad(`${field} must be a path inside the folder`);
    if (!existsSync(join(folder, path)))
      throw new PeopleError('bad-image', `${where} of candidates.json: ${join(folder, path)} is missing`);
  }
  if (typeof candidate.clip !== 'string') throw bad('clip must be a text');
  for (const field of ['firstSeconds', 'lastSeconds'] as const)
    if (!Number.isFinite(candidate[field])) throw bad(`${field} must be a number`);
  for (const field of ['caption', 'instruction'] as const)
    if (candidate[field] !== undefined && typeof candidate[field] !== 'string')
      throw bad(`${field} must be a text`);
  const { remarks } = candidate;
  if (!Array.isArray(remarks) || remarks.some((remark) => typeof remark !== 'string'))
    throw bad('remarks must be a list of texts');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
