import { halfExtents, reach, type Scene, type Vec3, type WorldObject, withObject } from '@triptych/world';
import { onPlane } from './camera.js';
import type { Views } from './view.js';
import { distance, meanDifference, type WorkImage } from './work-image.js';

/** Centre (pixels) of the largest connected place where two pictures visibly differ, or undefined. */
export function largestDifference(
  a: WorkImage,
  b: WorkImage,
  visible: number,
): { readonly x: number; readonly y: number; readonly pixels: number } | undefined {
  const { width, height } = a;
  const difference = meanDifference(a, b, new Uint8Array(width * height));
  const seen = new Uint8Array(width * height);
  let best: { x: number; y: number; pixels: number } | undefined;
  for (let start = 0; start < seen.length; start++) {
    if (seen[start] || difference[start]! <= visible) continue;
    const stack = [start];
    seen[start] = 1;
    let weight = 0,
      sumX = 0,
      sumY = 0,
      pixels = 0;
    while (stack.length > 0) {
      const at = stack.pop()!;
      const x = at % width;
      const y = (at - x) / width;
      const w = difference[at]!;
      weight += w;
      sumX += w * (x + 0.5);
      sumY += w * (y + 0.5);
      pixels++;
      const neighbours = [
        x > 0 ? at - 1 : -1,
        x < width - 1 ? at + 1 : -1,
        y > 0 ? at - width : -1,
        y < height - 1 ? at + width : -1,
      ];
      for (const next of neighbours)
        if (next >= 0 && !seen[next] && difference[next]! > visible) {
          seen[next] = 1;
          stack.push(next);
        }
    }
    if (!best || pixels > best.pixels) best = { x: sumX / weight, y: sumY / weight, pixels };
  }
  return best;
}

/** Whether an object there would stand inside another one. */
function collides(scene: Scene, object: WorldObject, [x, , z]: Vec3): boolean {
  return scene.objects.some(
    (o) =>
      o.id !== object.id &&
      Math.hypot(o.position[0] - x, o.position[2] - z) < 0.7 * (reach(o) + reach(object)),
  );
}

/** Where an object of the scene has to be moved so that the picture fits best, searched in shrinking steps. */
export function refine(
  views: Views,
  output: WorkImage,
  scene: Scene,
  id: number,
  steps: readonly number[],
  isAllowed: (place: Vec3) => boolean,
): Scene {
  let best = scene;
  let bestDistance = distance(output, views.once(scene).image);
  for (const step of steps)
    for (let round = 0; round < 4; round++) {
      const [x, y, z] = best.objects.find((o) => o.id === id)!.position;
      const found = best;
      for (const [dx, dz] of [
        [step, 0],
        [-step, 0],
        [0, step],
        [0, -step],
      ] as const) {
        const place: Vec3 = [x + dx, y, z + dz];
        if (!isAllowed(place)) continue;
        const next = withObject(scene, id, { position: place });
        const d = distance(output, views.once(next).image);
        if (d >= bestDistance) continue;
        bestDistance = d;
        best = next;
      }
      if (best === found) break;
    }
  return best;
}

/**
 * Looks for an object in the output that `base` does not have: the largest place where they differ, then the position
 * that explains it best. Undefined when nothing differs or there is no room. With `looks`, the place is that of the
 * best look, should the object have come out with another one.
 */
export function locate(
  views: Views,
  output: WorkImage,
  base: Scene,
  object: WorldObject,
  visible: number,
  looks: readonly WorldObject[] = [object],
): Scene | undefined {
  const spot = largestDifference(output, views.of(base).image, visible);
  if (!spot) return undefined;
  const isAllowed = (to: Vec3): boolean => !collides(base, object, to);
  const withLook = (look: WorldObject, place: Vec3): Scene => ({
    ...base,
    objects: [
      ...base.objects,
      {
        ...look,
        position: [place[0], halfExtents(look)[1] + object.position[1] - halfExtents(object)[1], place[2]],
      },
    ],
  });
  const place = onPlane(base.camera, views.size, spot.x, spot.y, object.position[1]);
  if (!place || Math.abs(place[0]) > 4 || Math.abs(place[2]) > 4) return undefined;
  const atSpot = (scene: Scene, steps: readonly number[]): Scene =>
    refine(views, output, scene, object.id, steps, isAllowed);
  const bestLook = (at: Vec3): Scene => {
    let best = withLook(object, at);
    let bestDistance = Number.POSITIVE_INFINITY;
    for (const look of looks) {
      const scene = withLook(look, at);
      const d = distance(output, views.once(scene).image);
      if (d >= bestDistance) continue;
      bestDistance = d;
      best = scene;
    }
    return best;
  };
  const placeIn = (scene: Scene): Vec3 => scene.objects.at(-1)!.position;
  const rough = atSpot(looks.length > 1 ? bestLook(place) : withLook(object, place), [0.3, 0.15]);
  const best = looks.length > 1 ? bestLook(placeIn(rough)) : rough;
  const found = placeIn(atSpot(best, [0.15, 0.07]));
  return isAllowed(found) ? withLook(object, found) : undefined;
}
