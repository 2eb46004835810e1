/**
 * One writer per database, across processes. SQLite's own lock (here a folder `<file>.lock`) is taken and given back
 * around every transaction, and a killed process leaves it behind; a note of who has the file open tells a lock that
 * is held from one that was left.
 *
 * @module
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { PeopleError } from './errors.js';

interface Note {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the system counts; tells a process from a later one with its number. */
  readonly start: string;
}

const noteOf = (path: string): string => `${path}.writer`;

/**
 * Takes the writer's place, also from a process that died; the result gives it back.
 * @throws PeopleError `in-use` naming the process
 */
export function takeWriterLock(path: string): () => void {
  const file = noteOf(path);
  const note = JSON.stringify({ pid: process.pid, host: hostname(), start: startOf(process.pid) });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, note, { flag: 'wx' });
      // What a killed writer left of SQLite's lock; the journal beside it is rolled back by SQLite when it opens.
      rmSync(`${path}.lock`, { recursive: true, force: true });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const writer = writerOf(path);
    if (writer !== undefined) throw inUse(path, writer);
    rmSync(file, { force: true });
  }
  throw inUse(path, 'another process');
}

/** Who has the database open for writing, in words; undefined when nobody has. */
export function writerOf(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(noteOf(path), 'utf8');
  } catch {
    return undefined;
  }
  let note: Partial<Note>;
  try {
    note = JSON.parse(text) as Partial<Note>;
  } catch {
    return 'an unknown process';
  }
  if (typeof note.pid !== 'number') return 'an unknown process';
  if (note.host !== hostname()) return `process ${note.pid} on ${note.host}`;
  return isRunning(note.pid) && startOf(note.pid) === note.start ? `process ${note.pid}` : undefined;
}

function inUse(path: string, writer: string): PeopleError {
  return new PeopleError(
    'in-use',
    `${path} is open in ${writer}: stop that first (or delete ${noteOf(path)} if it no longer runs)`,
    { field: 'database' },
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of /proc/<pid>/stat, counted after the command's name, which may hold spaces; empty elsewhere. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
