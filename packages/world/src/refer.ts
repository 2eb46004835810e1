import type { Random } from './random.js';
import type { Colour, Scene, Shape, WorldObject } from './scene.js';

/** What a noun phrase says: plain words, or a place among or beside others. */
export interface Reference {
  readonly text: string;
  readonly shape: Shape;
  readonly colour?: Colour;
  readonly size?: WorldObject['size'];
  readonly material?: WorldObject['material'];
  readonly place?: 'leftmost' | 'rightmost' | { readonly relation: Relation; readonly of: Reference };
}

export const relations = ['left of', 'right of', 'in front of', 'behind', 'on'] as const;
export type Relation = (typeof relations)[number];

/** True when a stands in this relation to b, by at least 0.25 m (and mostly along that axis). */
export function holds(a: WorldObject, relation: Relation, b: WorldObject): boolean {
  const dx = a.position[0] - b.position[0];
  const dz = a.position[2] - b.position[2];
  if (relation === 'on') return a.position[1] > b.position[1] + 0.2 && Math.hypot(dx, dz) < 0.4;
  const isSideways = Math.abs(dx) >= Math.abs(dz);
  if (relation === 'left of') return isSideways && dx < -0.25;
  if (relation === 'right of') return isSideways && dx > 0.25;
  return !isSideways && (relation === 'behind' ? dz < -0.25 : dz > 0.25);
}

/** All objects a reference may mean; it is good when there is one. */
export function resolve(scene: Scene, reference: Reference): WorldObject[] {
  const { shape, colour, size, material, place } = reference;
  const matching = scene.objects.filter(
    (o) =>
      o.shape === shape &&
      (colour === undefined || o.colour === colour) &&
      (size === undefined || o.size === size) &&
      (material === undefined || o.material === material),
  );
  if (place === undefined || matching.length === 0) return matching;
  if (typeof place === 'object') {
    const anchors = resolve(scene, place.of);
    return anchors.length === 1
      ? matching.filter((o) => o !== anchors[0] && holds(o, place.relation, anchors[0]!))
      : [];
  }
  const sign = place === 'leftmost' ? 1 : -1;
  const edge = Math.min(...matching.map((o) => sign * o.position[0]));
  return matching.filter((o) => sign * o.position[0] < edge + 0.15);
}

/** All plain ways to name an object alone, shortest first. */
export function plainReferences(scene: Scene, object: WorldObject): Reference[] {
  const { shape, colour, size, material } = object;
  const all: Reference[] = [
    { text: `the ${shape}`, shape },
    { text: `the ${colour} ${shape}`, shape, colour },
    { text: `the ${size} ${shape}`, shape, size },
    { text: `the ${material} ${shape}`, shape, material },
    { text: `the ${size} ${colour} ${shape}`, shape, colour, size },
    { text: `the ${size} ${colour} ${material} ${shape}`, shape, colour, size, material },
  ];
  return all.filter((reference) => resolve(scene, reference).length === 1);
}

/** Names an object so that nothing else fits, or undefined. `relational` prefers "the cube behind the red sphere". */
export function refer(
  scene: Scene,
  object: WorldObject,
  r: Random,
  relational = false,
): Reference | undefined {
  const plain = plainReferences(scene, object);
  const coloured = plain.filter(({ colour }) => colour !== undefined);
  if (!relational) return r.next() < 0.25 ? plain[0] : (coloured[0] ?? plain[0]);
  const { shape } = object;
  const placed: Reference[] = (['leftmost', 'rightmost'] as const)
    .filter(() => scene.objects.filter((o) => o.shape === shape).length > 1)
    .map((place) => ({ text: `the ${place} ${shape}`, shape, place }));
  for (const other of scene.objects) {
    const of =
      other === object ? undefined : plainReferences(scene, other).find(({ colour }) => colour !== undefined);
    if (!of) continue;
    for (const relation of relations.filter((name) => name !== 'on')) {
      if (!holds(object, relation, other)) continue;
      const words = relation.endsWith('of') && relation !== 'in front of' ? `to the ${relation}` : relation;
      placed.push({ text: `the ${shape} ${words} ${of.text}`, shape, place: { relation, of } });
    }
  }
  const unique = placed.filter((reference) => resolve(scene, reference).length === 1);
  return unique.length > 0 ? r.pick(unique) : undefined;
}
