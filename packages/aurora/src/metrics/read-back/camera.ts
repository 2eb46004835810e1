import type { Camera, Vec3 } from '@triptych/world';

/** Size of a picture in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Where the ray through a picture's point meets the level plane at this height, or undefined when it never does.
 * The camera model is the renderer's: vertical field of view, upright.
 */
export function onPlane(
  camera: Camera,
  { width, height }: Size,
  x: number,
  y: number,
  planeY: number,
): Vec3 | undefined {
  const [ox, oy, oz] = camera.position;
  const d = [camera.target[0] - ox, camera.target[1] - oy, camera.target[2] - oz];
  const length = Math.hypot(...d);
  const [fx, fy, fz] = d.map((v) => v / length) as [number, number, number];
  const level = Math.hypot(fx, fz);
  const rx = -fz / level,
    rz = fx / level;
  const scale = Math.tan((camera.fieldOfView * Math.PI) / 360);
  const a = ((2 * x - width) / height) * scale;
  const b = ((height - 2 * y) / height) * scale;
  const dx = fx + a * rx - b * rz * fy,
    dy = fy + b * (rz * fx - rx * fz),
    dz = fz + a * rz + b * rx * fy;
  const t = (planeY - oy) / dy;
  return t > 0 && Number.isFinite(t) ? [ox + t * dx, planeY, oz + t * dz] : undefined;
}
