import {
  type Colour,
  colours,
  type Floor,
  floors,
  materials,
  type Quaternion,
  type Scene,
  type Size,
  shapes,
  sizes,
  type WorldObject,
  withObject,
} from '@triptych/world';

/** One object of an edit: gone when there is no `after`, new when there is no `before`. */
export interface Change {
  readonly id: number;
  readonly before?: WorldObject;
  readonly after?: WorldObject;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The objects in which two scenes differ. */
export function changesOf(before: Scene, after: Scene): Change[] {
  const ids = new Set([...before.objects, ...after.objects].map(({ id }) => id));
  return [...ids].flatMap((id) => {
    const a = before.objects.find((o) => o.id === id);
    const b = after.objects.find((o) => o.id === id);
    return same(a, b) ? [] : [{ id, ...(a ? { before: a } : {}), ...(b ? { after: b } : {}) }];
  });
}

/** Whether something other than objects differs: floor, light, camera. */
export function isGlobal(before: Scene, after: Scene): boolean {
  return !same([before.camera, before.light, before.floor], [after.camera, after.light, after.floor]);
}

/** Whether the object stands elsewhere after. */
export function isMoved({ before, after }: Change): boolean {
  return before !== undefined && after !== undefined && !same(before.position, after.position);
}

/**
 * Scenes that fulfil the instruction as well as the target does. Things that are knocked over or fall may do so to
 * either side: the instruction does not say which.
 */
export function alternatives(kind: string, before: Scene, after: Scene): Scene[] {
  if (kind !== 'knock' && kind !== 'fall') return [];
  let scene = after;
  for (const { id, before: a, after: b } of changesOf(before, after)) {
    if (!a || !b) return [];
    const [qx, qy, qz, qw] = b.rotation;
    const rotation: Quaternion = [qx, -qy, -qz, qw];
    scene = withObject(scene, id, {
      position: [2 * a.position[0] - b.position[0], b.position[1], b.position[2]],
      rotation,
    });
  }
  return [scene];
}

/** Like a scene, but one thing about one of its objects is not as asked. */
export interface NearMiss {
  readonly what: 'gone' | 'colour' | 'shape' | 'material' | 'size' | 'floor' | 'light';
  readonly scene: Scene;
}

/** Every scene with one attribute of one of these objects replaced, or without the object. */
export function nearMisses(scene: Scene, ids: readonly number[]): NearMiss[] {
  const misses: NearMiss[] = [];
  for (const id of ids) {
    const object = scene.objects.find((o) => o.id === id);
    if (!object) continue;
    const add = <K extends 'colour' | 'shape' | 'material' | 'size'>(
      what: K,
      values: readonly WorldObject[K][],
    ): void => {
      for (const value of values)
        if (value !== object[what]) misses.push({ what, scene: withObject(scene, id, { [what]: value }) });
    };
    misses.push({ what: 'gone', scene: { ...scene, objects: scene.objects.filter((o) => o !== object) } });
    add('colour', Object.keys(colours) as Colour[]);
    add('shape', shapes);
    add('material', materials);
    add('size', Object.keys(sizes) as Size[]);
  }
  return misses;
}

/** Every scene with another floor or another light, but not `asked` itself. */
export function globalMisses(asked: Scene): NearMiss[] {
  const floorMisses = (Object.keys(floors) as Floor[])
    .filter((floor) => floor !== asked.floor)
    .map((floor) => ({ what: 'floor' as const, scene: { ...asked, floor } }));
  const lights = (['left', 'right'] as const).flatMap((side) =>
    (['day', 'night'] as const).map((time) => ({ side, time })),
  );
  const lightMisses = lights
    .filter((light) => light.side !== asked.light.side || light.time !== asked.light.time)
    .map((light) => ({ what: 'light' as const, scene: { ...asked, light } }));
  return [...floorMisses, ...lightMisses];
}
