import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { completeRow, verdict } from './row.mjs';

const never = () => {
  throw new Error('measured twice');
};

test('every row has a ratio where it has something to compare with, and a read rate', () => {
  const row = completeRow({ name: 'a', value: 3, unit: 'ms', against: 4, threads: 2 }, () => 30);
  expect(Object.entries(row).flat()).toEqual([
    'name',
    'a',
    'value',
    3,
    'unit',
    'ms',
    'ratio',
    0.75,
    'against',
    4,
    'readGBs',
    30,
    'threads',
    2,
  ]);
  expect(completeRow({ name: 'a', value: 3, unit: 'ms' }, () => 30)).toEqual({
    name: 'a',
    value: 3,
    unit: 'ms',
    ratio: null,
    against: null,
    readGBs: 30,
  });
});

test("an area's own ratio and read rate stay", () => {
  const own = { name: 'a', value: 3, unit: 's', against: 6, ratio: 2, readGBs: 40 };
  expect(completeRow(own, never)).toEqual(own);
});

test('the share of a step that the KV memory takes is held against its bound', () => {
  const row = (value: number) =>
    completeRow({ name: 'kv/step-share', value, unit: 'ms', against: 20, readGBs: 1 }, never);
  expect(verdict(row(0.2))).toBe('<= 0.01 ok');
  expect(verdict(row(0.3))).toBe('<= 0.01 MISSED');
  expect(verdict(completeRow({ name: 'kv/step-share', value: 1, unit: 'ms' }, () => 1))).toBe('not measured');
  expect(verdict({ ...row(1), name: 'nothing is promised about this' })).toBe('');
});

test('with --json, facts about the run are no rows', () => {
  const script = path.join(import.meta.dirname, '..', 'scripts', 'bench.mjs');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [script, 'world', '--only', 'no such row', '--json'],
    { encoding: 'utf8' },
  );
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  expect(JSON.parse(stderr)).toMatchObject({ name: 'machine', cores: expect.any(Number) });
});
