import { settle } from '../physics.js';
import type { Reference } from '../refer.js';
import type { Prop, Scene, Vec3 } from '../scene.js';
import type { EditKind } from '../wording.js';
import type { Draft, Edit, Maker } from './draft.js';

/** Which prop the scene of a kind must have; its first object is on it. */
export const propFor: Partial<Record<EditKind, Prop['kind']>> = {
  roll: 'ramp',
  fall: 'platform',
  undermine: 'platform',
};

/** Runs physics to rest; the edit carries the states along the way. `start` is where it begins, if not at `before`. */
async function run(
  draft: Draft,
  text: string,
  options: {
    before?: Scene;
    start?: Scene;
    velocity?: Vec3;
    spin?: Vec3;
    targets?: number[];
    references?: Reference[];
  } = {},
): Promise<Edit> {
  const { a, signal } = draft;
  const { before = draft.before, velocity, spin, targets = [a.id], references = [draft.A] } = options;
  const settled = await settle(options.start ?? before, {
    ...(velocity ? { pushes: [{ id: a.id, velocity, ...(spin ? { spin } : {}) }] } : {}),
    ...(signal ? { signal } : {}),
  });
  const frames = [before, ...settled.frames.slice(1)];
  return draft.done(settled.scene, text, { before, targets, references, frames });
}

/** Actions that physics carries out. They have no inverse. */
export const actionEdits = {
  knock(draft) {
    const { a, A, r } = draft;
    if (a.shape !== 'cylinder' && a.shape !== 'cone') return undefined;
    const side = r.pick([-1, 1]);
    // A cone's weight is low and its base wide: it only tips when it is thrown up a little.
    const [velocity, turns] =
      a.shape === 'cone'
        ? ([[side * 1.2, 1.2, 0] as const, 12] as const)
        : ([[side * 1.6, 0, 0] as const, 7] as const);
    return run(draft, draft.say(A.text), { velocity, spin: [0, 0, -side * turns] });
  },
  drop(draft) {
    const { a, A } = draft;
    const [x, y, z] = a.position;
    return run(draft, draft.say(A.text), { before: draft.change({ position: [x, y + 1, z] }) });
  },
  push(draft) {
    const { a, A, b, B } = draft;
    if (!b || !B) return undefined;
    const dx = b.position[0] - a.position[0],
      dz = b.position[2] - a.position[2];
    const length = Math.hypot(dx, dz);
    const speed = a.shape === 'sphere' ? 3 : 2.2 + 1.6 * length;
    return run(draft, draft.say(A.text, B.text), {
      velocity: [(dx / length) * speed, 0, (dz / length) * speed],
      targets: [a.id, b.id],
      references: [A, B],
    });
  },
  fall(draft) {
    const { A, before, r } = draft;
    if (before.props[0]?.kind !== 'platform') return undefined;
    return run(draft, draft.say(A.text), { velocity: [r.pick([-1, 1]) * 2.6, 0.6, 0.4] });
  },
  roll(draft) {
    return draft.before.props[0]?.kind === 'ramp' ? run(draft, draft.say(draft.A.text)) : undefined;
  },
  undermine(draft) {
    const { A, before } = draft;
    if (before.props[0]?.kind !== 'platform') return undefined;
    return run(draft, draft.say(A.text), { start: { ...before, props: [] } });
  },
} satisfies Record<string, Maker>;
