import type { Random } from '../random.js';
import type { Camera, Scene, Vec3 } from '../scene.js';

/** How a camera moves in a clip that curation must drop. */
export const cameraPaths = ['pan', 'dolly', 'orbit', 'handheld'] as const;
export type CameraPath = (typeof cameraPaths)[number];

/** Turns a place about the upright through the origin, radians. */
function turned([x, y, z]: Vec3, angle: number): Vec3 {
  const c = Math.cos(angle),
    s = Math.sin(angle);
  return [c * x + s * z, y, c * z - s * x];
}

/** The camera along a path, as a function of the time from 0 to 1. At 0 it stands where it stood. */
function pathOf(camera: Camera, kind: CameraPath, r: Random): (t: number) => Camera {
  const sign = r.pick([-1, 1]);
  const { position, target } = camera;
  if (kind === 'pan') {
    const x = sign * r.between(0.3, 0.9),
      y = r.between(-0.15, 0.15);
    return (t) => ({ ...camera, target: [target[0] + x * t, target[1] + y * t, target[2]] });
  }
  if (kind === 'dolly') {
    const factor = sign > 0 ? r.between(0.75, 0.92) : r.between(1.08, 1.25);
    const at = (t: number): Vec3 =>
      position.map((p, i) => target[i]! + (p - target[i]!) * (1 + (factor - 1) * t)) as unknown as Vec3;
    return (t) => ({ ...camera, position: at(t) });
  }
  if (kind === 'orbit') {
    const angle = sign * r.between(0.08, 0.3);
    return (t) => ({ ...camera, position: turned(position, angle * t) });
  }
  // Handheld: a few slow swings and a drift, so that no two frames stand alike.
  const waves = Array.from({ length: 6 }, () => [r.between(2, 7), r.between(0.04, 0.1)] as const);
  const drift = sign * r.between(0.1, 0.25);
  return (t) => {
    const w = waves.map(([rate, size]) => size * Math.sin(rate * 2 * t));
    return {
      ...camera,
      target: [target[0] + w[0]! + drift * t, target[1] + w[1]! * 0.6, target[2] + w[2]!],
      position: [position[0] + w[3]!, position[1] + w[4]! * 0.6, position[2] + w[5]!],
    };
  };
}

/** The same states, seen by a camera that moves from the first frame to the last. */
export function withCameraPath(scenes: readonly Scene[], kind: CameraPath, r: Random): Scene[] {
  const first = scenes[0];
  if (!first) return [];
  const at = pathOf(first.camera, kind, r);
  return scenes.map((scene, i) => ({ ...scene, camera: at(i / Math.max(1, scenes.length - 1)) }));
}
