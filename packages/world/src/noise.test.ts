import { expect, test } from 'vitest';
import { editKinds, makePair, type PairOptions } from './index.js';

test('video noise keeps seed, instruction and picture before, and disturbs the picture after', async () => {
  const options: PairOptions = { kinds: ['recolour', 'move', 'remove'], size: 32 };
  const seen = { camera: 0, object: 0 };
  for (let seed = 0; seed < 40; seed++) {
    const clean = await makePair(seed, options);
    const noisy = await makePair(seed, { ...options, noise: 'video' });
    expect(noisy === undefined).toBe(clean === undefined);
    if (!clean || !noisy) continue;
    seen[noisy.noise!]++;
    expect(noisy.edit.instruction).toBe(clean.edit.instruction);
    expect(noisy.edit.before).toEqual(clean.edit.before);
    expect(noisy.first).toEqual(clean.first);
    expect(noisy.last.data).not.toEqual(clean.last.data);
    const camera = JSON.stringify(noisy.edit.after.camera) !== JSON.stringify(noisy.edit.before.camera);
    expect(camera).toBe(noisy.noise === 'camera');
    const strayed = noisy.edit.after.objects.filter((o) => {
      const there = clean.edit.after.objects.find(({ id }) => id === o.id)!;
      return JSON.stringify(o.position) !== JSON.stringify(there.position);
    });
    expect(strayed).toHaveLength(noisy.noise === 'object' ? 1 : 0);
    for (const { id } of strayed) expect(noisy.edit.targets).not.toContain(id);
  }
  expect(Math.min(seen.camera, seen.object)).toBeGreaterThan(8);
});

test('relational as a share mixes names by place with plain ones', async () => {
  let placed = 0;
  let all = 0;
  for (let seed = 0; seed < 60; seed++) {
    const pair = await makePair(seed, { kinds: ['recolour'], size: 16, relational: 0.5 });
    if (!pair) continue;
    all++;
    if (pair.edit.references[0]!.place !== undefined) placed++;
  }
  expect(placed / all).toBeGreaterThan(0.2);
  expect(placed / all).toBeLessThan(0.8);
  await expect(makePair(1, { kinds: [...editKinds], relational: 2 })).rejects.toThrow(/relational/);
  await expect(makePair(1, { kinds: [] })).rejects.toThrow(/kinds/);
});
