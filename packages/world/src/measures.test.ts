import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  bystanderOverlap,
  type Checks,
  changedFraction,
  type EditKind,
  halfExtents,
  joinParts,
  makePair,
  measure,
  type Pair,
  splits,
  steps,
  writeDataset,
} from './index.js';

async function pairOf(kind: EditKind): Promise<Pair> {
  for (let seed = 0; ; seed++) {
    const pair = await makePair(seed, { kinds: [kind], size: 32 });
    if (pair) return pair;
  }
}

test('a pair carries what its checks measured, and only what applies to its kind', async () => {
  const move = await pairOf('move');
  const { edit, first, last, checks } = move;
  expect(checks).toEqual(measure(edit, first, last));
  expect(checks.changedPixels).toBe(changedFraction(first, last));
  expect(checks.bystanderOverlap).toBe(bystanderOverlap(edit, first, last));
  const target = edit.before.objects.find(({ id }) => id === edit.targets[0])!;
  const way = checks.displacement! * 2 * Math.min(...halfExtents(target));
  expect(Object.values(steps).some((step) => Math.abs(step - way) < 1e-9)).toBe(true);
  const place = edit.before.objects.indexOf(target);
  expect(checks.visible).toBeLessThanOrEqual(Math.min(first.visible[place]!, last.visible[place]!));
  expect(Object.keys((await pairOf('floor')).checks)).toEqual(['changedPixels', 'bystanderOverlap']);
  expect((await pairOf('recolour')).checks).not.toHaveProperty('displacement');
  expect((await pairOf('swap')).checks.displacement).toBeGreaterThan(0.85);
  // New objects have no before; they must be seen after.
  const { checks: added } = await pairOf('add');
  expect(added).not.toHaveProperty('displacement');
  expect(added.visible).toBeGreaterThanOrEqual(0.25);
});

test('rows keep them to four digits, datasheets their span; rows without them are joined as before', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-checks-'));
  const kinds: EditKind[] = ['recolour', 'move', 'night'];
  const set = { folder, name: 'a', kinds, rows: 3, size: 32, seeds: splits.train };
  const rows = await writeDataset(set);
  for (const { checks, kind, seed } of rows) {
    const pair = await makePair(seed, { kinds: [kind as EditKind], size: 32 });
    for (const [name, value] of Object.entries(checks!)) {
      expect(Math.abs(value - pair!.checks[name as keyof Checks]!)).toBeLessThanOrEqual(0.5e-4 + 1e-9);
      expect(String(value)).toMatch(/^\d+(\.\d{1,4})?$/);
    }
  }
  const sheet = await readFile(path.join(folder, 'a/datasheet.md'), 'utf8');
  const changed = rows.map(({ checks }) => checks!.changedPixels).sort((a, b) => a - b);
  expect(sheet).toContain(`- changedPixels: ${changed.join(', ')} (3 rows)`);
  expect(sheet).toMatch(/- displacement: .* \(1 row\)/);
  // As a process of before wrote its part.
  await writeDataset({ ...set, part: 0 });
  const file = path.join(folder, 'a/train.part-0.json');
  const part = JSON.parse(await readFile(file, 'utf8'));
  for (const row of part.rows) delete row.checks;
  await writeFile(file, JSON.stringify(part));
  const joined = await joinParts(folder, 'a', 1);
  expect(joined).toHaveLength(3);
  expect(await readFile(path.join(folder, 'a/datasheet.md'), 'utf8')).not.toContain('checks measured');
  await rm(folder, { recursive: true });
});
