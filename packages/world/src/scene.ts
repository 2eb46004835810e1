import { createHash } from 'node:crypto';

/** A point or direction: x right, y up, z towards the camera; metres. */
export type Vec3 = readonly [number, number, number];
/** A rotation as a unit quaternion x, y, z, w. */
export type Quaternion = readonly [number, number, number, number];

export const shapes = ['sphere', 'cube', 'cylinder', 'cone', 'brick', 'wedge'] as const;
export type Shape = (typeof shapes)[number];
export const materials = ['matte', 'metal', 'glass'] as const;
export type Material = (typeof materials)[number];
/** Half the height, metres. Neighbouring sizes differ by at least 1.35. */
export const sizes = { small: 0.34, large: 0.52 } as const;
export type Size = keyof typeof sizes;
/** Linear RGB by name. */
export const colours = {
  red: [0.68, 0.03, 0.03],
  green: [0.04, 0.36, 0.07],
  blue: [0.03, 0.11, 0.62],
  yellow: [0.85, 0.58, 0.02],
  purple: [0.27, 0.04, 0.42],
  cyan: [0.03, 0.5, 0.56],
  orange: [0.88, 0.23, 0.01],
  grey: [0.2, 0.2, 0.21],
} as const satisfies Record<string, Vec3>;
export type Colour = keyof typeof colours;
export const floors = {
  beige: [0.62, 0.52, 0.4],
  white: [0.75, 0.75, 0.74],
  brown: [0.26, 0.14, 0.07],
  pink: [0.75, 0.42, 0.45],
  teal: [0.1, 0.32, 0.3],
} as const satisfies Record<string, Vec3>;
export type Floor = keyof typeof floors;

/** One thing that can be named. */
export interface WorldObject {
  readonly id: number;
  readonly shape: Shape;
  readonly colour: Colour;
  readonly material: Material;
  readonly size: Size;
  readonly position: Vec3; // centre
  readonly rotation: Quaternion;
}

/** Something fixed that things roll down or stand on: a box of half sizes. Never named as a target. */
export interface Prop {
  readonly kind: 'ramp' | 'platform';
  readonly position: Vec3;
  readonly rotation: Quaternion;
  readonly half: Vec3;
}

/** Where the picture is taken from. */
export interface Camera {
  readonly position: Vec3;
  readonly target: Vec3;
  /** Vertical field of view, degrees. */
  readonly fieldOfView: number;
}

/** The main light. */
export interface Light {
  readonly side: 'left' | 'right';
  readonly time: 'day' | 'night';
}

/** Everything there is: pure data, JSON as it stands. */
export interface Scene {
  readonly seed: number;
  readonly camera: Camera;
  readonly light: Light;
  readonly floor: Floor;
  readonly objects: readonly WorldObject[];
  readonly props: readonly Prop[];
}

export const upright: Quaternion = [0, 0, 0, 1];

/** Half extents of an object's box in its own frame (y is the axis of cylinder and cone; a wedge falls along x). */
export function halfExtents(object: Pick<WorldObject, 'shape' | 'size'>): Vec3 {
  const h = sizes[object.size];
  if (object.shape === 'brick') return [h * 1.15, h * 0.6, h * 0.6];
  if (object.shape === 'wedge') return [h * 1.05, h * 0.8, h * 0.65];
  if (object.shape === 'cube') return [h * 0.88, h * 0.88, h * 0.88];
  if (object.shape === 'cylinder') return [h * 0.72, h, h * 0.72];
  if (object.shape === 'cone') return [h * 0.86, h, h * 0.86];
  return [h, h, h];
}

/** Radius around which nothing else may stand, metres. */
export function reach(object: Pick<WorldObject, 'shape' | 'size'>): number {
  const [x, , z] = halfExtents(object);
  return ['cube', 'brick', 'wedge'].includes(object.shape) ? Math.hypot(x, z) : x;
}

/** Height of the centre when standing on the floor. */
export function restHeight(object: Pick<WorldObject, 'shape' | 'size'>): number {
  return halfExtents(object)[1];
}

/** Rotation by an angle in radians about an axis of length 1. */
export function axisAngle([x, y, z]: Vec3, angle: number): Quaternion {
  const s = Math.sin(angle / 2);
  return [x * s + 0, y * s + 0, z * s + 0, Math.cos(angle / 2)]; // + 0: no -0, which JSON loses
}

/** First b, then a. */
export function multiply(a: Quaternion, b: Quaternion): Quaternion {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** The same scene with one object changed. */
export function withObject(scene: Scene, id: number, change: Partial<Omit<WorldObject, 'id'>>): Scene {
  return { ...scene, objects: scene.objects.map((o) => (o.id === id ? { ...o, ...change } : o)) };
}

/** SHA-256 of what the scene shows (not of its seed): equal scenes have equal hashes. */
export function sceneHash(scene: Scene): string {
  const { camera, light, floor, objects, props } = scene;
  return createHash('sha256')
    .update(JSON.stringify([camera, light, floor, objects, props]))
    .digest('hex');
}
