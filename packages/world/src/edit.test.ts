import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propFor } from './edits/actions.js';
import {
  cheapRejections,
  type Edit,
  type EditKind,
  editKinds,
  instructions,
  invert,
  proposeEdit,
  random,
  resolve,
  type Scene,
  sampleScene,
  steps,
  WorldError,
} from './index.js';

const physical: readonly EditKind[] = ['knock', 'drop', 'push', 'fall', 'roll', 'undermine'];
const plain = editKinds.filter((kind) => !physical.includes(kind));

/** The first edit of a kind from a seed on; seeds that have none are a documented outcome. */
async function editOf(
  kind: EditKind,
  seed: number,
  options: { wording?: 'training' | 'test'; relational?: boolean } = {},
): Promise<Edit> {
  const prop = propFor[kind];
  for (let s = seed; ; s++)
    try {
      const scene = sampleScene(s, prop ? { prop } : {});
      const edit = await proposeEdit(scene, kind, random(s, 9), options);
      if (edit) return edit;
    } catch (error) {
      if (!WorldError.isInstance(error)) throw error;
    }
}

const bystanders = (scene: Scene, targets: readonly number[]) =>
  scene.objects.filter(({ id }) => !targets.includes(id));

test.each(plain.filter((kind) => kind !== 'viewpoint'))(
  '%s changes its targets and nothing else, and does not touch the scene it was given',
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
        const { before, after, targets } = await editOf(kind, seed);
        expect(bystanders(after, targets)).toEqual(bystanders(before, targets));
        expect(after.camera).toEqual(before.camera);
        expect(after.props).toEqual(before.props);
        const isGlobal = targets.length === 0;
        expect(
          JSON.stringify([before.floor, before.light]) !== JSON.stringify([after.floor, after.light]),
        ).toBe(isGlobal);
        for (const id of targets)
          expect(after.objects.find((o) => o.id === id)).not.toEqual(before.objects.find((o) => o.id === id));
      }),
      { numRuns: 25 },
    );
  },
);

test.each(physical)('%s: what passes the checks changed its targets only', async (kind) => {
  for (let seed = 0; seed < 4000; seed += 1000) {
    const edit = await editOf(kind, seed);
    if (cheapRejections(edit).length > 0) continue;
    expect(bystanders(edit.after, edit.targets)).toEqual(bystanders(edit.before, edit.targets));
    expect(edit.frames[0]).toEqual(edit.before);
    expect(edit.frames.at(-1)).toEqual(edit.after);
  }
});

test.each(plain)(
  '%s: the inverse leads back, names its objects in the scene after, and inverts again',
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
        const edit = await editOf(kind, seed);
        const back = invert(edit);
        // No way back, or none of the names fits in the scene after (two red cones of one size).
        if (!back) {
          expect(['relate', 'remove-all', 'recolour', 'reshape', 'resize', 'rematerial']).toContain(kind);
          return;
        }
        expect(back.before).toEqual(edit.after);
        expect(back.after).toEqual(edit.before);
        for (const reference of back.references) {
          const named = resolve(back.before, reference);
          expect(named).toHaveLength(1);
          expect(edit.targets).toContain(named[0]!.id);
          expect(back.instruction).toContain(reference.text);
        }
        const again = invert(back)!;
        expect({ ...again, kind }).toEqual(edit);
        if (kind !== 'add-count') expect(again.kind).toBe(kind);
      }),
      { numRuns: 25 },
    );
  },
);

test('what the words of a move say is what happens, and its inverse undoes it', async () => {
  const lengthOf = (text: string): number =>
    text.includes('a little') ? steps.little : /far |much /.test(text) ? steps.far : steps.plain;
  const directionOf = (text: string): readonly [number, number] =>
    text.includes('left')
      ? [-1, 0]
      : text.includes('right')
        ? [1, 0]
        : text.includes('closer')
          ? [0, 1]
          : [0, -1];
  for (let seed = 0; seed < 60; seed++) {
    const { before, after, targets, instruction, inverse } = await editOf('move', seed * 50);
    const [a, b] = [before, after].map((scene) => scene.objects.find(({ id }) => id === targets[0])!);
    for (const [text, from, to] of [
      [instruction, a!, b!],
      [inverse!, b!, a!],
    ] as const) {
      const [x, z] = directionOf(text);
      expect(to.position[0] - from.position[0]).toBeCloseTo(x * lengthOf(text), 9);
      expect(to.position[2] - from.position[2]).toBeCloseTo(z * lengthOf(text), 9);
    }
  }
});

test('"all red objects" are all of them and not everything; "2 blue cubes" are two', async () => {
  for (let seed = 0; seed < 2000; seed += 50) {
    const removed = await editOf('remove-all', seed);
    expect(removed.after.objects.length).toBeGreaterThan(0);
    const noun = /(?:all|the \d) ((?:\w+ )?)(\w+)s\b/.exec(removed.instruction)!;
    const [, quality, shape] = noun;
    const fits = removed.before.objects.filter(
      (o) =>
        (shape === 'object' || o.shape === shape) &&
        (quality === '' || [o.colour, o.size].some((word) => word === quality!.trim())),
    );
    expect(fits.map(({ id }) => id)).toEqual(removed.targets);
    const added = await editOf('add-count', seed);
    expect(added.targets).toHaveLength(Number(/\d/.exec(added.instruction)![0]));
  }
});

test('held-out sentences as filled in have no word that training has not', async () => {
  const words = async (wording: 'training' | 'test', from: number, runs: number): Promise<Set<string>> => {
    const found = new Set<string>();
    for (const kind of plain)
      for (let i = 0; i < runs; i++)
        for (const relational of [false, true]) {
          const edit = await editOf(kind, from + 37 * i, { wording, relational });
          for (const word of edit.instruction.split(' ')) found.add(word);
        }
    return found;
  };
  const training = await words('training', 0, 40);
  const said = physical.flatMap((kind) => instructions(kind, 'training'));
  for (const word of said.flatMap((sentence) => sentence.split(' '))) training.add(word);
  for (const word of await words('test', 500_000, 8)) expect(training).toContain(word);
});
