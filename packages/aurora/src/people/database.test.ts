import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../testing/people.js';
import { type DatabaseKind, PeopleDatabase } from './database.js';
import { PeopleError } from './errors.js';

const kind: DatabaseKind = {
  description: 'a test',
  applicationId: 7,
  version: 1,
  schema: 'CREATE TABLE t (a INTEGER)',
};
const problem = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (PeopleError.isInstance(error)) return `${error.problem}: ${error.message}`;
    throw error;
  }
  return 'none';
};
const values = (database: PeopleDatabase) => database.all<{ a: number }>('SELECT a FROM t').map(({ a }) => a);

it('keeps rows in the file, all of a transaction or nothing', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'deep', 'a.sqlite');
  {
    using database = PeopleDatabase.open(path, kind, { create: true });
    database.run('INSERT INTO t VALUES (1)');
    const failed = () =>
      database.transaction(() => {
        database.run('INSERT INTO t VALUES (2)');
        throw new Error('no');
      });
    expect(failed).toThrow('no');
    database.transaction(() => database.runMany('INSERT INTO t VALUES (?)', [[3], [4]]));
  }
  using again = PeopleDatabase.open(path, kind);
  expect(values(again)).toEqual([1, 3, 4]);
});

it('has one writer; others may read beside it', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'a.sqlite');
  using database = PeopleDatabase.open(path, kind, { create: true });
  database.run('INSERT INTO t VALUES (1)');
  expect(problem(() => PeopleDatabase.open(path, kind))).toMatch(/^in-use: .*open in process \d+/);
  using reader = PeopleDatabase.open(path, kind, { shared: true });
  expect(values(reader)).toEqual([1]);
  expect(() => reader.run('INSERT INTO t VALUES (2)')).toThrow(/readonly/);
  database.run('INSERT INTO t VALUES (5)');
  expect(values(reader)).toEqual([1, 5]);
});

it('goes on after a writer was killed in the middle of a transaction, without the half of it', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'a.sqlite');
  {
    using database = PeopleDatabase.open(path, kind, { create: true });
    database.run('INSERT INTO t VALUES (1)');
  }
  const sqlite = createRequire(import.meta.url).resolve('node-sqlite3-wasm');
  const start = existsSync('/proc/self/stat')
    ? "require('node:fs').readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')[19]"
    : "''";
  const child = spawn(process.execPath, [
    '-e',
    `require('node:fs').writeFileSync(${JSON.stringify(`${path}.writer`)}, JSON.stringify({
       pid: process.pid, host: require('node:os').hostname(), start: ${start} }));
     const database = new (require(${JSON.stringify(sqlite)}).Database)(${JSON.stringify(path)});
     database.exec('PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN IMMEDIATE');
     for (let i = 0; i < 5000; i++) database.run('INSERT INTO t VALUES (99)');
     console.log('ready'); setInterval(() => {}, 1000)`,
  ]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect(problem(() => PeopleDatabase.open(path, kind))).toMatch(/^in-use: .*process \d+/);
  const dead = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await dead;
  expect(existsSync(`${path}.lock`)).toBe(true);
  using database = PeopleDatabase.open(path, kind);
  expect(values(database)).toEqual([1]);
  database.run('INSERT INTO t VALUES (2)');
  expect(values(database)).toEqual([1, 2]);
});

it('gives the place back', () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'a.sqlite');
  PeopleDatabase.open(path, kind, { create: true })[Symbol.dispose]();
  expect([existsSync(`${path}.writer`), existsSync(`${path}.lock`)]).toEqual([false, false]);
  // A note of another machine is not ours to judge.
  writeFileSync(`${path}.writer`, JSON.stringify({ pid: 1, host: 'elsewhere', start: '' }));
  expect(problem(() => PeopleDatabase.open(path, kind))).toContain('process 1 on elsewhere');
});

it('refuses files that are something else, and leaves them as they are', () => {
  using folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  expect(problem(() => PeopleDatabase.open(path('none'), kind))).toContain('there is no such file');
  expect(problem(() => PeopleDatabase.open(folder.path, kind))).toContain('it is not a file');
  writeFileSync(
    path('text'),
    'hello, this is no database at all, but long enough to look like one'.repeat(20),
  );
  expect(problem(() => PeopleDatabase.open(path('text'), kind, { create: true }))).toMatch(/^not-a-database/);
  expect(readFileSync(path('text'), 'utf8')).toContain('hello');
  PeopleDatabase.open(path('other'), { ...kind, applicationId: 8 }, { create: true })[Symbol.dispose]();
  expect(problem(() => PeopleDatabase.open(path('other'), kind))).toContain('belongs to something else');
  PeopleDatabase.open(path('new'), { ...kind, version: 2 }, { create: true })[Symbol.dispose]();
  expect(problem(() => PeopleDatabase.open(path('new'), kind))).toContain('version is 2');
  // Refusing gives the place back as well.
  expect(existsSync(`${path('new')}.writer`)).toBe(false);
});
