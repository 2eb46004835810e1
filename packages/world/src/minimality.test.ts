import { expect, test } from 'vitest';
import {
  bystanderOverlap,
  type Edit,
  makePair,
  type Pair,
  rejections,
  render,
  type Scene,
  withObject,
} from './index.js';

async function pairOf(kind: 'recolour' | 'move' | 'relate'): Promise<Pair> {
  for (let seed = 0; ; seed++) {
    const pair = await makePair(seed, { kinds: [kind], scene: { count: 4 } });
    if (pair) return pair;
  }
}

/** The reasons when the scene after is another one. */
const reasonsFor = (edit: Edit, after: Scene): string[] =>
  rejections({ ...edit, after }, render(edit.before), render(after));

test('a good pair has no reason; each disturbance has its own', async () => {
  const { edit, first, last } = await pairOf('recolour');
  expect(rejections(edit, first, last)).toEqual([]);
  expect(bystanderOverlap(edit, first, last)).toBe(1);
  const { after, before, targets } = edit;
  const other = after.objects.find(({ id }) => !targets.includes(id))!;
  const [x, y, z] = other.position;
  const moved = withObject(after, other.id, { position: [x + 0.4, y, z] });
  expect(reasonsFor(edit, moved)).toContain('bystander');
  expect(bystanderOverlap({ ...edit, after: moved }, first, render(moved))).toBeLessThan(0.98);
  const [cx, cy, cz] = after.camera.target;
  expect(reasonsFor(edit, { ...after, camera: { ...after.camera, target: [cx + 0.2, cy, cz] } })).toEqual(
    expect.arrayContaining(['camera', 'bystander']),
  );
  expect(reasonsFor(edit, { ...after, light: { ...after.light, time: 'night' } })).toContain('camera');
  expect(reasonsFor(edit, before)).toContain('changed-pixels');
});

test('every named object must be seen, the one beside which something is put too', async () => {
  const { edit } = await pairOf('relate');
  const [a, b] = edit.references.map(
    (reference) =>
      edit.before.objects.find(
        (o) => o.shape === reference.shape && (!reference.colour || o.colour === reference.colour),
      )!,
  );
  expect(a).toBeDefined();
  // Something large between the camera and the object that the instruction leans on.
  const camera = edit.before.camera.position;
  const place = b!.position.map((p, i) => p + (camera[i]! - p) * 0.25) as unknown as [number, number, number];
  const wall = { ...b!, id: 99, shape: 'sphere' as const, size: 'large' as const, position: place };
  const hide = (scene: Scene): Scene => ({ ...scene, objects: [...scene.objects, wall] });
  const hidden = { ...edit, before: hide(edit.before), after: hide(edit.after) };
  expect(rejections(hidden, render(hidden.before), render(hidden.after))).toContain('hidden');
});

test('what a target hides or uncovers does not count against the bystanders', async () => {
  const { edit, first, last } = await pairOf('move');
  expect(bystanderOverlap(edit, first, last)).toBe(1);
});
