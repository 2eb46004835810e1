import type { Raster } from '@triptych/media';
import { type Random, random } from '@triptych/world';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findChange } from './change.js';
import { cosineDistance, describe as vectorOf } from './descriptor.js';
import { displacement, estimateMotion, noMotion, pyramidOf } from './motion.js';
import { channelsOf, lumaOf } from './plane.js';
import { qualityOf } from './quality.js';
import { regionsOf } from './regions.js';
import { cutScores, stepChange, thumbnailOf } from './step.js';

const [width, height] = [96, 72];

/** A world of soft blobs that can be looked at from anywhere: colour at a point. */
function blobs(seed: number): (x: number, y: number) => readonly [number, number, number] {
  const r = random(seed);
  const all = Array.from({ length: 16 }, () => ({
    x: r.between(-20, width + 20),
    y: r.between(-20, height + 20),
    size: r.between(3, 12),
    colour: [r.between(-80, 80), r.between(-80, 80), r.between(-80, 80)] as const,
  }));
  return (x, y) => {
    const out: [number, number, number] = [128, 128, 128];
    for (const blob of all) {
      const weight = Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.size ** 2));
      for (const c of [0, 1, 2] as const) out[c] += blob.colour[c] * weight;
    }
    return out;
  };
}

interface View {
  readonly dx?: number;
  readonly dy?: number;
  readonly zoom?: number;
  readonly gain?: number;
  readonly noise?: number;
  /** Red squares of side 10 at these places of the frame. */
  readonly squares?: readonly (readonly [number, number])[];
}

function look(
  scene: ReturnType<typeof blobs>,
  { dx = 0, dy = 0, zoom = 0, gain = 1, noise = 1, squares = [] }: View,
  r: Random,
): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const isSquare = squares.some(([u, v]) => x >= u && x < u + 10 && y >= v && y < v + 10);
      const colour = isSquare
        ? [230, 20, 20]
        : scene(x - dx - zoom * (x - width / 2), y - dy - zoom * (y - height / 2));
      for (const level of colour)
        data[at++] = Math.max(0, Math.min(255, gain * level + r.between(-noise, noise)));
    }
  return { width, height, channels: 3, data };
}

const motionBetween = (a: Raster, b: Raster) => estimateMotion(pyramidOf(lumaOf(a)), pyramidOf(lumaOf(b)));
const changeBetween = (a: Raster, b: Raster, motion = noMotion) =>
  findChange(channelsOf(a), channelsOf(b), motion);

test('the camera is followed: shifts to a third of a pixel, exposure and a moving thing notwithstanding', () => {
  // Blurred blobs leave some scenes without enough to hold on to: nine of ten must be right.
  const r = random(7, 2);
  const cases = Array.from({ length: 30 }, (_, seed) => {
    const [dx, dy, gain] = [r.between(2, 9) * r.pick([-1, 1]), r.between(-9, 9), r.between(0.85, 1.15)];
    const scene = blobs(seed);
    const noise = random(seed, 1);
    const first = look(scene, { squares: [[20, 20]] }, noise);
    const motion = motionBetween(first, look(scene, { dx, dy, gain, squares: [[60, 45]] }, noise));
    return (
      Math.abs(motion.dx - dx) < 0.35 &&
      Math.abs(motion.dy - dy) < 0.35 &&
      Math.abs(motion.gain - gain) < 0.05
    );
  });
  expect(cases.filter((right) => right).length).toBeGreaterThanOrEqual(27);
});

test('zoom is seen as motion; a still camera stays still whatever one thing does', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(80), fc.nat(55), fc.nat(80), fc.nat(55), (seed, x, y, u, v) => {
      // Nearer, the thing may be taken for the scene: see estimateMotion.
      fc.pre(Math.max(Math.abs(u - x), Math.abs(v - y)) >= 8);
      const scene = blobs(seed);
      const r = random(seed, 2);
      const still = motionBetween(
        look(scene, { squares: [[x, y]] }, r),
        look(scene, { gain: 0.95, squares: [[u, v]] }, r),
      );
      expect(displacement(still, width, height)).toBeLessThan(0.002);
      const zoomed = motionBetween(look(scene, {}, r), look(scene, { zoom: 0.06 }, r));
      expect(displacement(zoomed, width, height)).toBeGreaterThan(0.01);
    }),
    { numRuns: 12 },
  );
});

test('what changed is found: nothing in noise and exposure, one region for one thing, two for one that moved', () => {
  const scene = blobs(5);
  const r = random(5, 3);
  const compare = (from: View, to: View) => {
    const [a, b] = [look(scene, from, r), look(scene, to, r)];
    return changeBetween(a, b, motionBetween(a, b));
  };
  expect(compare({ noise: 3 }, { noise: 3, gain: 0.94 })).toMatchObject({
    share: 0,
    regions: 0,
    compactness: 0,
  });
  const appeared = compare({}, { squares: [[40, 30]] });
  expect(appeared.regions).toBe(1);
  expect(appeared.share).toBeGreaterThan(0.6 * (100 / (width * height)));
  expect(appeared.share).toBeLessThan(2 * (100 / (width * height)));
  expect(appeared.compactness).toBeGreaterThan(0.7);
  expect(appeared.mask[35 * width + 45]).toBe(1);
  expect(compare({ squares: [[10, 10]] }, { squares: [[70, 50]] }).regions).toBe(2);
  const corners = [
    [5, 5],
    [80, 5],
    [5, 55],
    [80, 55],
  ] as const;
  const many = compare({}, { squares: corners });
  expect(many.regions).toBe(4);
  expect(many.extent).toBeGreaterThan(appeared.extent);
  // A camera that moved changes little once it is followed.
  expect(compare({}, { dx: 4, dy: 2 }).share).toBeLessThan(0.01);
});

test('regions: joined over gaps, specks dropped, areas add up', () => {
  const marks = new Uint8Array(12 * 3);
  for (const at of [0, 1, 12, 13, 4, 5, 16, 17, 10]) marks[at] = 1; // 2x2, gap of 2, 2x2, and a speck
  const options = { width: 12, height: 3, least: 2 };
  expect(regionsOf(marks, { ...options, joined: 0 }).areas).toEqual([4, 4]);
  expect(regionsOf(marks, { ...options, joined: 1 })).toMatchObject({ areas: [8], boxes: 12, area: 8 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 60, maxLength: 60, max: 1 }), fc.nat(2), (bits, joined) => {
      const found = regionsOf(bits, { width: 10, height: 6, joined, least: 0 });
      expect(found.area).toBe(bits.reduce((sum, bit) => sum + bit, 0));
      expect(found.mask).toEqual(bits);
      expect(found.boxes).toBeGreaterThanOrEqual(found.area);
    }),
  );
});

test('a cut stands out, motion and flashes of exposure do not', () => {
  const r = random(1, 4);
  const one = blobs(1);
  const frame = (scene: ReturnType<typeof blobs>, view: View) => thumbnailOf(look(scene, view, r));
  const steady = Array.from({ length: 6 }, (_, i) => frame(one, { dx: 0.7 * i, gain: i === 3 ? 1.1 : 1 }));
  const other = Array.from({ length: 4 }, () => frame(blobs(2), {}));
  const all = [...steady, ...other];
  const scores = cutScores(all.slice(1).map((thumbnail, i) => stepChange(all[i]!, thumbnail)));
  expect(scores.indexOf(Math.max(...scores))).toBe(steady.length - 1);
  expect(scores[steady.length - 1]).toBeGreaterThan(0.3);
  for (const [i, score] of scores.entries()) if (i !== steady.length - 1) expect(score).toBeLessThan(0.05);
});

test('descriptor: near itself and its exposure, further for a moved thing, furthest for another picture', () => {
  const r = random(3, 5);
  const vector = (seed: number, view: View) => vectorOf(look(blobs(seed), view, r));
  const base = vector(3, { squares: [[10, 10]] });
  const [exposed, moved, other] = [
    vector(3, { squares: [[10, 10]], gain: 0.9 }),
    vector(3, { squares: [[70, 50]] }),
    vector(4, {}),
  ].map((v) => cosineDistance(base, v));
  expect(exposed).toBeLessThan(moved!);
  expect(moved).toBeLessThan(other!);
  expect(cosineDistance(base, base)).toBeCloseTo(0, 6);
  expect(cosineDistance(new Float32Array(3), Float32Array.of(1, 0, 0))).toBe(1);
});

test('quality: blur lowers sharpness, a black frame is flat', () => {
  const r = random(6, 6);
  const sharp = look(
    blobs(6),
    {
      squares: [
        [20, 20],
        [50, 40],
      ],
    },
    r,
  );
  const soft = look(blobs(6), {}, r);
  expect(qualityOf(lumaOf(soft)).sharpness).toBeLessThan(0.6 * qualityOf(lumaOf(sharp)).sharpness);
  expect(qualityOf(lumaOf({ ...sharp, data: new Uint8Array(sharp.data.length) })).isFlat).toBe(true);
  expect(qualityOf(lumaOf(sharp)).isFlat).toBe(false);
});
