import { WorldError } from './errors.js';
import { type Random, random } from './random.js';
import {
  axisAngle,
  type Camera,
  type Colour,
  colours,
  type Floor,
  floors,
  materials,
  type Prop,
  reach,
  restHeight,
  type Scene,
  type Shape,
  type Size,
  shapes,
  sizes,
  type Vec3,
  type WorldObject,
} from './scene.js';

/** What kinds of scenes to draw. */
export interface SceneOptions {
  /** Number of objects; default 2 to 5. */
  count?: number;
  /** `training` jitters the camera a little; `test` draws from a range training never sees. */
  view?: 'training' | 'test';
  /** (colour, shape) pairs as 'red cube' that must not occur (compositional hold-out). */
  exclude?: ReadonlySet<string>;
  /** At least one object must be of these pairs. */
  require?: ReadonlySet<string>;
  /** A fixed thing that physics needs. */
  prop?: 'ramp' | 'platform';
  /** `unseen`: ramps steeper and platforms taller than training has; default `usual`. */
  layout?: 'usual' | 'unseen';
}

const names = Object.keys(colours) as Colour[];
const floorNames = Object.keys(floors) as Floor[];

function camera(r: Random, view: 'training' | 'test'): Camera {
  const angle = view === 'training' ? r.between(-0.12, 0.12) : r.pick([-1, 1]) * r.between(0.25, 0.4);
  const height = view === 'training' ? r.between(3.6, 4.1) : r.between(4.5, 5);
  const distance = 5.9;
  return {
    position: [Math.sin(angle) * distance, height, Math.cos(angle) * distance],
    target: [0, 0.25, 0],
    fieldOfView: 46,
  };
}

/** A place on the floor clear of everything, or undefined after many tries. */
export function freePlace(
  scene: Pick<Scene, 'objects' | 'props'>,
  object: Pick<WorldObject, 'shape' | 'size'>,
  r: Random,
  ignoreId?: number,
): Vec3 | undefined {
  for (let attempt = 0; attempt < 60; attempt++) {
    const place: Vec3 = [r.between(-1.9, 1.9), restHeight(object), r.between(-1.5, 1.7)];
    if (isFree(scene, object, place, ignoreId)) return place;
  }
  return undefined;
}

/** True when an object at this place touches nothing and stands in view. */
export function isFree(
  scene: Pick<Scene, 'objects' | 'props'>,
  object: Pick<WorldObject, 'shape' | 'size'>,
  [x, , z]: Vec3,
  ignoreId?: number,
): boolean {
  if (Math.abs(x) > 2.2 || z < -1.9 || z > 1.9) return false;
  const clear = scene.objects.every(
    (o) =>
      o.id === ignoreId || Math.hypot(o.position[0] - x, o.position[2] - z) > reach(o) + reach(object) + 0.12,
  );
  return (
    clear &&
    scene.props.every(
      (p) =>
        Math.hypot(p.position[0] - x, p.position[2] - z) > Math.hypot(p.half[0], p.half[2]) + reach(object),
    )
  );
}

/** The place where an object starts on a ramp or stands on a platform. */
export function placeOnProp(prop: Prop, object: Pick<WorldObject, 'shape' | 'size'>): Vec3 {
  const [x, y, z] = prop.position;
  if (prop.kind === 'platform') return [x, y + prop.half[1] + restHeight(object) + 0.005, z];
  const angle = 2 * Math.atan2(prop.rotation[2], prop.rotation[3]);
  const along = Math.sign(angle) * prop.half[0] * 0.6;
  const up = prop.half[1] + restHeight(object) + 0.01;
  return [
    x + along * Math.cos(angle) - up * Math.sin(angle),
    y + along * Math.sin(angle) + up * Math.cos(angle),
    z,
  ];
}

function makeProp(kind: NonNullable<SceneOptions['prop']>, r: Random, isUnseen: boolean): Prop {
  const [width, top] = isUnseen ? [0.36, 0.72] : [0.42, 0.5];
  if (kind === 'platform')
    return {
      kind,
      position: [r.between(-1.3, 1.3), top, r.between(-1, 0)],
      rotation: [0, 0, 0, 1],
      half: [width, top, width],
    };
  const side = r.pick([-1, 1]);
  const angle = (isUnseen ? r.between(0.45, 0.55) : r.between(0.28, 0.36)) * -side;
  return {
    kind: 'ramp',
    position: [-side * r.between(1, 1.3), 0.8 * Math.sin(Math.abs(angle)), r.between(-0.8, 0)],
    rotation: axisAngle([0, 0, 1], angle),
    half: [0.8, 0.05, 0.4],
  };
}

/**
 * Draws a scene from a seed: every object has a (colour, shape) of its own, so that each can be named.
 * @throws WorldError `PLACEMENT` when the objects found no room (rare; take the next seed), `ARGUMENT`
 */
export function sampleScene(seed: number, options: SceneOptions = {}): Scene {
  const r = random(seed, 1);
  const count = options.count ?? 2 + r.index(4);
  if (!Number.isInteger(count) || count < 1 || count > 8)
    throw new WorldError('ARGUMENT', `count must be a whole number from 1 to 8, not ${count}`);
  let scene: Scene = {
    seed,
    camera: camera(r, options.view ?? 'training'),
    light: { side: r.pick(['left', 'right']), time: 'day' },
    floor: r.pick(floorNames),
    objects: [],
    props: options.prop ? [makeProp(options.prop, r, options.layout === 'unseen')] : [],
  };
  const used = new Set<string>(options.exclude);
  for (let id = 0, attempt = 0; id < count; attempt++) {
    if (attempt > 200)
      throw new WorldError('PLACEMENT', `no room for ${count} objects with seed ${seed}: use another seed`);
    const onRamp = id === 0 && options.prop !== undefined && options.prop !== 'platform';
    const kind = {
      shape: onRamp ? ('sphere' as Shape) : r.pick(shapes),
      colour: r.pick(names),
      material: r.next() < 0.55 ? ('matte' as const) : r.pick(materials),
      size: id === 0 && options.prop ? ('small' as Size) : r.pick(Object.keys(sizes) as Size[]),
    };
    const key = `${kind.colour} ${kind.shape}`;
    if (used.has(key) || (id === 0 && options.require && !options.require.has(key))) continue;
    const prop = scene.props[0];
    const position = id === 0 && prop ? placeOnProp(prop, kind) : freePlace(scene, kind, r);
    if (position === undefined) continue;
    used.add(key);
    // A wedge looks different from all four sides.
    const quarter = kind.shape === 'wedge' ? (r.index(4) * Math.PI) / 2 : 0;
    const rotation = axisAngle([0, 1, 0], onRamp ? 0 : quarter + r.between(-0.7, 0.7));
    scene = { ...scene, objects: [...scene.objects, { id: id++, ...kind, position, rotation }] };
  }
  return scene;
}
