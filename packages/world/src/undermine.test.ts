import { expect, test } from 'vitest';
import { halfExtents, makePair, type Pair, rejections, render } from './index.js';

async function pairsOf(seeds: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const pair = await makePair(seed, { kinds: ['undermine'], size: 32 });
    if (pair) pairs.push(pair);
  }
  return pairs;
}

test('the platform is gone, what stood on it lies on the floor, and nobody else has changed', async () => {
  const pairs = await pairsOf(16);
  expect(pairs.length).toBeGreaterThanOrEqual(10);
  for (const { edit, nochange } of pairs) {
    const { before, after, targets, frames, inverse } = edit;
    expect(before.props.map(({ kind }) => kind)).toEqual(['platform']);
    expect(after.props).toEqual([]);
    expect(targets).toEqual([before.objects[0]!.id]);
    const [was, is] = [before.objects[0]!, after.objects[0]!];
    const top = 2 * before.props[0]!.half[1];
    expect(was.position[1]).toBeGreaterThan(top);
    expect(was.position[1] - is.position[1]).toBeGreaterThan(0.8 * top);
    const half = halfExtents(is);
    expect(is.position[1]).toBeGreaterThan(Math.min(...half) - 0.02);
    expect(is.position[1]).toBeLessThan(Math.hypot(...half));
    expect({ ...is, position: was.position, rotation: was.rotation }).toEqual(was);
    expect(after.objects.slice(1)).toEqual(before.objects.slice(1));
    expect([after.camera, after.light, after.floor]).toEqual([before.camera, before.light, before.floor]);
    expect(inverse).toBeUndefined();
    expect(nochange).not.toMatch(/platform/);
    // As it ran: the platform is there in the first frame only, and the fall goes down.
    expect(frames.length).toBeGreaterThan(5);
    expect(frames[0]).toBe(before);
    expect(frames.at(-1)).toEqual(after);
    expect(frames.slice(1).every(({ props }) => props.length === 0)).toBe(true);
    expect(frames[3]!.objects[0]!.position[1]).toBeLessThan(frames[1]!.objects[0]!.position[1]);
  }
});

test('a platform left standing, or one taken away from another kind of edit, is rejected', async () => {
  const [pair] = await pairsOf(3);
  const { edit, first } = pair!;
  const standing = { ...edit, after: { ...edit.after, props: edit.before.props } };
  expect(rejections(standing, first, render(standing.after, { width: 32 }))).toContain('bystander');
  let fall: Pair | undefined;
  for (let seed = 0; !fall; seed++) fall = await makePair(seed, { kinds: ['fall'], size: 32 });
  const after = { ...fall.edit.after, props: [] };
  expect(rejections({ ...fall.edit, after }, fall.first, render(after, { width: 32 }))).toContain(
    'bystander',
  );
});

test('platforms taller than those of training are undermined too', async () => {
  let pair: Pair | undefined;
  for (let seed = 0; !pair; seed++)
    pair = await makePair(seed, { kinds: ['undermine'], size: 32, scene: { layout: 'unseen' } });
  expect(pair.edit.before.props[0]!.half[1]).toBe(0.72);
  expect(pair.checks.displacement).toBeGreaterThan(2);
});
