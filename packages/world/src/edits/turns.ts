import { axisAngle, multiply, type Quaternion } from '../scene.js';
import type { Draft, Maker } from './draft.js';

/** A rotation without -0, which JSON would lose. */
const clean = (q: Quaternion): Quaternion =>
  q.map((x) => (Math.abs(x) < 1e-15 ? 0 : x)) as unknown as Quaternion;

function rotated(draft: Draft, axis: 'x' | 'y', angle: number): Quaternion {
  // Upside down about the object's own axis, so that it keeps the way it faces; turns about the upright.
  return clean(
    axis === 'y'
      ? multiply(axisAngle([0, 1, 0], angle), draft.a.rotation)
      : multiply(draft.a.rotation, axisAngle([1, 0, 0], angle)),
  );
}

/** Turns of objects where they stand, of those shapes on which they can be seen. */
export const turnEdits = {
  turn(draft) {
    const { a, A, r } = draft;
    // A brick looks the same after 180 degrees and either way round; a wedge does not.
    const [words, degrees, back] =
      a.shape === 'brick'
        ? (['90 degrees', 90, '90 degrees'] as const)
        : r.pick([
            ['180 degrees', 180, '180 degrees'],
            ['90 degrees to the left', -90, '90 degrees to the right'],
            ['90 degrees to the right', 90, '90 degrees to the left'],
          ] as const);
    if (a.shape !== 'brick' && a.shape !== 'wedge') return undefined;
    // Seen from above, to the right is clockwise: the front (towards the camera) turns to the viewer's left.
    const after = draft.change({ rotation: rotated(draft, 'y', (-degrees * Math.PI) / 180) });
    const text = draft.say(A.text, words);
    const name = draft.nameIn(after) ?? A;
    return draft.done(after, text, {
      inverse: draft.say(name.text, back),
      inverseReferences: [name],
    });
  },
  flip(draft) {
    const { a, A } = draft;
    if (a.shape !== 'cone' && a.shape !== 'wedge') return undefined;
    const after = draft.change({ rotation: rotated(draft, 'x', Math.PI) });
    const text = draft.say(A.text);
    const name = draft.nameIn(after) ?? A;
    return draft.done(after, text, { inverse: draft.say(name.text), inverseReferences: [name] });
  },
} satisfies Record<string, Maker>;
