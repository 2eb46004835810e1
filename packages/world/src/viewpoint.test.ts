import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  assertNoLeak,
  benchmarkTasks,
  type Camera,
  diagnosticTasks,
  invert,
  makePair,
  type Pair,
  rejections,
  render,
  type Scene,
  splits,
  trainingKinds,
  writeBenchmark,
  writeDataset,
  writeDiagnostics,
} from './index.js';

/** How far round and how high a camera stands about what it looks at, radians, and how far off, metres. */
function standOf({ position, target }: Camera): { around: number; height: number; distance: number } {
  const [x, y, z] = position.map((p, i) => p - target[i]!) as [number, number, number];
  const distance = Math.hypot(x, y, z);
  return { around: Math.atan2(x, z), height: Math.asin(y / distance), distance };
}

async function pairOf(seed: number): Promise<Pair> {
  for (; ; seed++) {
    const pair = await makePair(seed, { kinds: ['viewpoint'], size: 32 });
    if (pair) return pair;
  }
}

test('only the camera changes, clearly, the way the words say; the inverse leads back', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const { edit, nochange, checks } = await pairOf(seed);
    const { before, after, instruction, inverse } = edit;
    expect({ ...after, camera: before.camera }).toEqual(before);
    const [from, to] = [standOf(before.camera), standOf(after.camera)];
    const way = /(left|right|up|down)$/.exec(instruction)![1]!;
    seen.add(way);
    const [around, height] = [to.around - from.around, to.height - from.height];
    const signed = { left: -around, right: around, up: height, down: -height }[way]!;
    expect(signed).toBeGreaterThan(0.34);
    expect(signed).toBeLessThan(0.51);
    expect(Math.abs(around) + Math.abs(height)).toBeCloseTo(signed, 9);
    expect(to.distance).toBeCloseTo(from.distance, 9);
    const back = invert(edit)!;
    expect(back.instruction).toBe(inverse);
    expect(inverse).toMatch({ left: /to the right$/, right: /to the left$/, up: /down$/, down: /up$/ }[way]!);
    expect(back.after).toBe(before);
    // Nothing already holds of a place to look from, and no mask stays where it was.
    expect(nochange).toBeUndefined();
    expect(Object.keys(checks)).toEqual(['changedPixels']);
  }
  expect([...seen].sort()).toEqual(['down', 'left', 'right', 'up']);
});

test('whatever else changes with the viewpoint is a reason, and so is a camera that stays', async () => {
  const { edit, first } = await pairOf(0);
  const reasonsFor = (after: Scene): string[] =>
    rejections({ ...edit, after }, first, render(after, { width: 32 }));
  const { before, after } = edit;
  expect(reasonsFor(after)).toEqual([]);
  expect(reasonsFor(before)).toEqual(['camera', 'changed-pixels']);
  expect(reasonsFor({ ...after, light: { ...after.light, time: 'night' } })).toEqual(['camera']);
  expect(reasonsFor({ ...after, floor: after.floor === 'teal' ? 'pink' : 'teal' })).toEqual(['camera']);
  expect(reasonsFor({ ...after, objects: after.objects.slice(1) })).toEqual(['bystander']);
  const prop = { kind: 'ramp', position: [0, 0, 0], rotation: [0, 0, 0, 1], half: [0.2, 0.2, 0.2] } as const;
  expect(reasonsFor({ ...after, props: [prop] })).toEqual(['bystander']);
});

test('viewpoints are in the diagnostic set alone: not trained on, not in the benchmark', async () => {
  expect(trainingKinds).not.toContain('viewpoint');
  for (const { kinds } of Object.values(benchmarkTasks)) expect(kinds).not.toContain('viewpoint');
  expect(diagnosticTasks.viewpoint.kinds).toEqual(['viewpoint']);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'triptych-diagnostic-'));
  const set = { folder, name: 'v', rows: 1, size: 32, seeds: splits.train };
  await expect(writeDataset({ ...set, kinds: ['move', 'viewpoint'] })).rejects.toThrow(/never trained on/);
  const { viewpoint, ...others } = await writeDiagnostics({ folder, rows: 4, size: 32 });
  expect(others).toEqual({});
  expect(JSON.parse(await readFile(path.join(folder, 'viewpoint/test.json'), 'utf8'))).toEqual(viewpoint);
  expect(viewpoint!.map(({ kind, wording }) => `${kind} ${wording}`)).toEqual([
    'viewpoint training',
    'viewpoint test',
    'viewpoint training',
    'viewpoint test',
  ]);
  const bench = await writeBenchmark({ folder: path.join(folder, 'b'), rows: 1, size: 32 });
  for (const task of Object.values(bench)) assertNoLeak(task, viewpoint!);
  await rm(folder, { recursive: true });
});
