import { settle } from './physics.js';
import type { Random } from './random.js';
import { holds, type Reference, type Relation, refer, relations, resolve } from './refer.js';
import { freePlace, isFree } from './sample-scene.js';
import {
  axisAngle,
  type Colour,
  colours,
  type Floor,
  floors,
  halfExtents,
  materials,
  multiply,
  restHeight,
  type Scene,
  type Shape,
  shapes,
  sizes,
  type Vec3,
  type WorldObject,
  withObject,
} from './scene.js';
import { type EditKind, instructions, type Wording } from './wording.js';

/** A proposed change: the scene after it, who it is about, and the instruction. */
export interface Edit {
  readonly kind: EditKind;
  readonly before: Scene;
  readonly after: Scene;
  /** Ids of the objects that may change. */
  readonly targets: readonly number[];
  readonly references: readonly Reference[];
  readonly instruction: string;
  /** The instruction that leads back, where there is one. */
  readonly inverse?: string;
  /** States from first to last for physics, else before and after. */
  readonly frames: readonly Scene[];
}

const other = <T>(r: Random, items: readonly T[], not: T): T => r.pick(items.filter((item) => item !== not));
const phrase = (relation: Relation, text: string): string =>
  relation === 'left of' || relation === 'right of' ? `to the ${relation} ${text}` : `${relation} ${text}`;
const directions: readonly (readonly [string, number, number])[] = [
  ['to the left', -1, 0],
  ['to the right', 1, 0],
  ['closer', 0, 1],
  ['further away', 0, -1],
];
const opposite: Record<string, string> = {
  'to the left': 'to the right',
  'to the right': 'to the left',
  closer: 'further away',
  'further away': 'closer',
};

function stand(object: WorldObject, change: Partial<WorldObject>): Partial<WorldObject> {
  const next = { ...object, ...change };
  return { ...change, position: [next.position[0], restHeight(next), next.position[2]] };
}

/**
 * Proposes one edit of a kind for a scene, or undefined when this draw finds none (no room, no name). Everything
 * but the physics kinds is decided by state alone; those run Rapier to rest. The minimality checks come after.
 *
 * @throws WorldError `PHYSICS`; the signal's reason when aborted
 */
export async function proposeEdit(
  scene: Scene,
  kind: EditKind,
  r: Random,
  options: { wording?: Wording; relational?: boolean; signal?: AbortSignal } = {},
): Promise<Edit | undefined> {
  const { wording = 'training', relational = false, signal } = options;
  const prop = scene.props[0];
  const a = prop && (kind === 'roll' || kind === 'fall') ? scene.objects[0] : r.pick(scene.objects);
  if (!a) return undefined;
  const b = scene.objects.length > 1 ? other(r, scene.objects, a) : undefined;
  const A = refer(scene, a, r, relational);
  if (!A) return undefined;
  const B = b && refer(scene, b, r);
  const say = (x: string, y = ''): string => r.pick(instructions(kind, wording, x, y));
  const done = (
    after: Scene,
    instruction: string,
    targets = [a.id],
    inverse?: string,
    references = [A],
    before = scene,
    frames: readonly Scene[] = [before, after],
  ): Edit => ({
    kind,
    before,
    after,
    targets,
    references,
    instruction,
    frames,
    ...(inverse === undefined ? {} : { inverse }),
  });
  const change = (fields: Partial<WorldObject>): Scene => withObject(scene, a.id, fields);
  /** Names it once more in the scene after. */
  const again = (after: Scene, id = a.id): string | undefined => {
    const object = after.objects.find((o) => o.id === id);
    return object && refer(after, object, r)?.text;
  };
  const back = (after: Scene, word: string): string | undefined => {
    const name = again(after);
    return name && r.pick(instructions(kind, wording, name, word));
  };
  const physics = async (
    before: Scene,
    push: { velocity: Vec3; spin?: Vec3 } | undefined,
    text: string,
    targets: number[],
    references: Reference[],
  ) => {
    const settled = await settle(before, {
      ...(push ? { pushes: [{ id: a.id, ...push }] } : {}),
      ...(signal ? { signal } : {}),
    });
    return done(settled.scene, text, targets, undefined, references, before, settled.frames);
  };
  switch (kind) {
    case 'recolour': {
      const colour = other(r, Object.keys(colours) as Colour[], a.colour);
      const after = change({ colour });
      return done(after, say(A.text, colour), [a.id], back(after, a.colour));
    }
    case 'resize': {
      const size = a.size === 'small' ? 'large' : 'small';
      if (!isFree(scene, { ...a, size }, a.position, a.id)) return undefined;
      const after = change(stand(a, { size }));
      return done(after, say(A.text, size), [a.id], back(after, a.size));
    }
    case 'rematerial': {
      const material = other(r, materials, a.material);
      const after = change({ material });
      const word = (m: string) => (m === 'matte' ? 'matte plastic' : m);
      return done(after, say(A.text, word(material)), [a.id], back(after, word(a.material)));
    }
    case 'reshape': {
      const shape: Shape = other(r, shapes, a.shape);
      if (!isFree(scene, { ...a, shape }, a.position, a.id)) return undefined;
      const after = change(stand(a, { shape }));
      return done(after, say(A.text, `a ${shape}`), [a.id], back(after, `a ${a.shape}`));
    }
    case 'add': {
      const look = {
        shape: r.pick(shapes),
        colour: r.pick(Object.keys(colours) as Colour[]),
        material: 'matte' as const,
        size: r.pick(Object.keys(sizes) as (keyof typeof sizes)[]),
      };
      const position = freePlace(scene, look, r);
      if (!position || scene.objects.some((o) => o.shape === look.shape && o.colour === look.colour))
        return undefined;
      const id = 1 + Math.max(...scene.objects.map((o) => o.id));
      const after = {
        ...scene,
        objects: [...scene.objects, { id, ...look, position, rotation: [0, 0, 0, 1] as const }],
      };
      const inverse = r.pick(instructions('remove', wording, `the ${look.colour} ${look.shape}`));
      return done(after, say(`a ${look.size} ${look.colour} ${look.shape}`), [id], inverse, []);
    }
    case 'remove': {
      if (scene.objects.length < 2) return undefined;
      const after = { ...scene, objects: scene.objects.filter((o) => o !== a) };
      return done(
        after,
        say(A.text),
        [a.id],
        r.pick(instructions('add', wording, `a ${a.size} ${a.colour} ${a.shape}`)),
      );
    }
    case 'move': {
      const [word, x, z] = r.pick(directions);
      const step = Math.max(1.05, 2.1 * Math.max(...halfExtents(a)));
      const position: Vec3 = [a.position[0] + x * step, a.position[1], a.position[2] + z * step];
      if (!isFree(scene, a, position, a.id)) return undefined;
      return done(
        change({ position }),
        say(A.text, word),
        [a.id],
        r.pick(instructions(kind, wording, A.text, opposite[word])),
      );
    }
    case 'relate': {
      if (!b || !B) return undefined;
      const relation = r.pick(relations);
      if (holds(a, relation, b) || (relation === 'on' && b.shape !== 'cube' && b.shape !== 'cylinder'))
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
      if (relation !== 'on' && !isFree(scene, a, at[relation], a.id)) return undefined;
      return done(
        change({ position: at[relation] }),
        say(A.text, phrase(relation, B.text)),
        [a.id],
        undefined,
        [A, B],
      );
    }
    case 'swap':
    case 'closer':
    case 'apart': {
      if (!b || !B) return undefined;
      const k = kind === 'swap' ? 1 : kind === 'closer' ? 0.25 : -0.35;
      const mix = (p: Vec3, q: Vec3): Vec3 => [p[0] + (q[0] - p[0]) * k, p[1], p[2] + (q[2] - p[2]) * k];
      const pa = mix(a.position, b.position);
      const pb = mix(b.position, a.position);
      const rest = { ...scene, objects: scene.objects.filter((o) => o !== a && o !== b) };
      const after = withObject(change({ position: pa }), b.id, { position: pb });
      if (!isFree(rest, a, pa) || !isFree(rest, b, pb) || !isFree(after, a, pa, a.id)) return undefined;
      const inverse = kind === 'swap' ? 'swap' : kind === 'closer' ? 'apart' : 'closer';
      return done(
        after,
        say(A.text, B.text),
        [a.id, b.id],
        r.pick(instructions(inverse, wording, A.text, B.text)),
        [A, B],
      );
    }
    case 'turn': {
      if (a.shape !== 'brick') return undefined; // a quarter turn of the others cannot be seen
      const rotation = multiply(axisAngle([0, 1, 0], Math.PI / 2), a.rotation);
      return done(change({ rotation }), say(A.text), [a.id], r.pick(instructions(kind, wording, A.text)));
    }
    case 'knock': {
      if (a.shape !== 'cylinder' && a.shape !== 'cone') return undefined;
      const side = r.pick([-1, 1]);
      const push = { velocity: [side * 1.6, 0, 0] as const, spin: [0, 0, -side * 7] as const };
      return physics(scene, push, say(A.text), [a.id], [A]);
    }
    case 'drop': {
      const [x, y, z] = a.position;
      return physics(change({ position: [x, y + 1, z] }), undefined, say(A.text), [a.id], [A]);
    }
    case 'push': {
      if (!b || !B) return undefined;
      const dx = b.position[0] - a.position[0],
        dz = b.position[2] - a.position[2];
      const length = Math.hypot(dx, dz);
      const speed = a.shape === 'sphere' ? 3 : 2.2 + 1.6 * length;
      return physics(
        scene,
        { velocity: [(dx / length) * speed, 0, (dz / length) * speed] },
        say(A.text, B.text),
        [a.id, b.id],
        [A, B],
      );
    }
    case 'fall':
      return prop?.kind === 'platform'
        ? physics(scene, { velocity: [r.pick([-1, 1]) * 2.6, 0.6, 0.4] }, say(A.text), [a.id], [A])
        : undefined;
    case 'roll':
      return prop?.kind === 'ramp' ? physics(scene, undefined, say(A.text), [a.id], [A]) : undefined;
    case 'floor': {
      const floor = other(r, Object.keys(floors) as Floor[], scene.floor);
      return done(
        { ...scene, floor },
        say('', floor),
        [],
        r.pick(instructions(kind, wording, '', scene.floor)),
        [],
      );
    }
    case 'light': {
      const side = scene.light.side === 'left' ? 'right' : 'left';
      return done(
        { ...scene, light: { ...scene.light, side } },
        say('', side),
        [],
        r.pick(instructions(kind, wording, '', scene.light.side)),
        [],
      );
    }
    case 'night':
      return done(
        { ...scene, light: { ...scene.light, time: 'night' } },
        say(''),
        [],
        wording === 'training' ? 'make it day' : 'let it get light',
        [],
      );
  }
}

/** True when every reference of an edit means one object in the scene before. */
export function isUnambiguous(edit: Edit): boolean {
  return edit.references.every((reference) => resolve(edit.before, reference).length === 1);
}
