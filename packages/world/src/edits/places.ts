import { holds, type Relation, relations } from '../refer.js';
import { isFree } from '../sample-scene.js';
import { halfExtents, type Vec3, withObject } from '../scene.js';
import type { Draft, Edit, Maker } from './draft.js';

/** How far the named steps of a move go, metres; one is at least a diameter. */
export const steps = { little: 1.05, plain: 1.55, far: 2.3 } as const;

/** Direction on the floor (x, z) and its words by step. */
const directions = [
  { x: -1, z: 0, little: 'a little to the left', plain: 'to the left', far: 'far to the left' },
  { x: 1, z: 0, little: 'a little to the right', plain: 'to the right', far: 'far to the right' },
  { x: 0, z: 1, little: 'a little closer', plain: 'closer', far: 'much closer' },
  { x: 0, z: -1, little: 'a little further away', plain: 'further away', far: 'far away' },
] as const;

const relationWords = (relation: Relation, text: string): string =>
  relation === 'left of' || relation === 'right of' ? `to the ${relation} ${text}` : `${relation} ${text}`;

/** Swap, closer and apart: both move by the same share of the way to each other. */
function pair(draft: Draft, share: number, inverse: 'swap' | 'closer' | 'apart'): Edit | undefined {
  const { a, A, b, B, before } = draft;
  if (!b || !B) return undefined;
  const mix = (p: Vec3, q: Vec3): Vec3 => [p[0] + (q[0] - p[0]) * share, p[1], p[2] + (q[2] - p[2]) * share];
  const pa = mix(a.position, b.position);
  const pb = mix(b.position, a.position);
  const rest = { ...before, objects: before.objects.filter((o) => o !== a && o !== b) };
  const after = withObject(draft.change({ position: pa }), b.id, { position: pb });
  if (!isFree(rest, a, pa) || !isFree(rest, b, pb) || !isFree(after, a, pa, a.id)) return undefined;
  const [nameA, nameB] = [draft.nameIn(after), draft.nameIn(after, b.id)];
  return draft.done(after, draft.say(A.text, B.text), {
    targets: [a.id, b.id],
    references: [A, B],
    inverse: nameA && nameB && draft.say(nameA.text, nameB.text, inverse),
    inverseReferences: [nameA, nameB],
  });
}

/** Edits of where objects are. */
export const placeEdits = {
  move(draft) {
    const { a, A, r, before } = draft;
    const direction = r.pick(directions);
    const step = r.pick(['little', 'plain', 'far'] as const);
    const position: Vec3 = [
      a.position[0] + direction.x * steps[step],
      a.position[1],
      a.position[2] + direction.z * steps[step],
    ];
    if (!isFree(before, a, position, a.id)) return undefined;
    const after = draft.change({ position });
    const opposite = directions.find((d) => d.x === -direction.x && d.z === -direction.z)!;
    const name = draft.nameIn(after);
    return draft.done(after, draft.say(A.text, direction[step]), {
      inverse: name && draft.say(name.text, opposite[step]),
      inverseReferences: [name],
    });
  },
  relate(draft) {
    const { a, A, b, B, r, before } = draft;
    if (!b || !B) return undefined;
    const relation = r.pick(relations);
    if (holds(a, relation, b) || (relation === 'on' && !['cube', 'cylinder', 'brick'].includes(b.shape)))
      return undefined;
    const gap = Math.max(...halfExtents(a)) + Math.max(...halfExtents(b)) + 0.3;
    const [x, y, z] = b.position;
    const at: Record<Relation, Vec3> = {
      'left of': [x - gap, a.position[1], z],
      'right of': [x + gap, a.position[1], z],
      behind: [x, a.position[1], z - gap],
      'in front of': [x, a.position[1], z + gap],
      on: [x, y + halfExtents(b)[1] + halfExtents(a)[1], z],
    };
    if (relation !== 'on' && !isFree(before, a, at[relation], a.id)) return undefined;
    return draft.done(
      draft.change({ position: at[relation] }),
      draft.say(A.text, relationWords(relation, B.text)),
      { references: [A, B] },
    );
  },
  swap: (draft) => pair(draft, 1, 'swap'),
  closer: (draft) => pair(draft, 0.25, 'apart'),
  apart: (draft) => pair(draft, -0.35, 'closer'),
} satisfies Record<string, Maker>;
