import type { Camera } from '../scene.js';
import type { Maker } from './draft.js';
import { whole } from './globals.js';

/** The camera moved about what it looks at, at the same distance: radians to its right and upwards. */
export function orbit(camera: Camera, right: number, up: number): Camera {
  const [tx, ty, tz] = camera.target;
  const [dx, dy, dz] = [camera.position[0] - tx, camera.position[1] - ty, camera.position[2] - tz];
  const distance = Math.hypot(dx, dy, dz);
  const around = Math.atan2(dx, dz) + right;
  const height = Math.asin(dy / distance) + up;
  const level = distance * Math.cos(height);
  return {
    ...camera,
    position: [
      tx + level * Math.sin(around),
      ty + distance * Math.sin(height),
      tz + level * Math.cos(around),
    ],
  };
}

/** Where the camera goes, in words, and the way back. */
const ways = [
  { words: 'to the left', back: 'to the right', right: -1 },
  { words: 'to the right', back: 'to the left', right: 1 },
  { words: 'up', back: 'down', right: 0 },
  { words: 'down', back: 'up', right: 0 },
] as const;

/** The same scene from elsewhere; only for diagnostic sets. */
export const viewpointEdits = {
  viewpoint(draft) {
    const { before: scene, r } = draft;
    const { words, back, right } = r.pick(ways);
    const angle = r.between(0.35, 0.5);
    const moved = { ...scene, camera: orbit(scene.camera, right * angle, right === 0 ? angle : 0) };
    // Down is up the other way round: below the usual height, things stand in front of each other.
    return words === 'down'
      ? whole(draft, moved, scene, words, back)
      : whole(draft, scene, moved, words, back);
  },
} satisfies Record<string, Maker>;
