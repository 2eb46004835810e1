import { colours, floors, type Scene } from '../scene.js';
import { hitSolid, type Solid, solidsOf } from './shapes.js';

const lightSamples = 12;
const lightRadius = 0.75;
const golden = 2.399963229728653;

/** Traces rays through one scene. Every value depends on the ray alone, so equal parts of two scenes have equal pixels. */
export class Tracer {
  /** Index of the solid the last `colourOf` hit, or -1 for the floor. */
  hitObject = -1;
  readonly #solids: readonly Solid[];
  readonly #scene: Scene;
  readonly #light: readonly [number, number, number];
  readonly #lamp: readonly [number, number, number];
  readonly #sky: readonly [number, number, number];
  readonly #floor: readonly [number, number, number];
  readonly #normal = new Float64Array(3);

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#solids = solidsOf(scene);
    const isNight = scene.light.time === 'night';
    this.#light = [scene.light.side === 'left' ? -4.2 : 4.2, 6.5, 3.2];
    this.#lamp = isNight ? [0.3, 0.36, 0.62] : [1.5, 1.42, 1.28];
    this.#sky = isNight ? [0.05, 0.06, 0.13] : [0.42, 0.46, 0.52];
    this.#floor = floors[scene.floor];
  }

  /** Share of the lamp seen from a point, 0..1; `turn` rotates the sample pattern. */
  #lit(x: number, y: number, z: number, turn: number): number {
    const [lx, ly, lz] = this.#light;
    const dx = lx - x,
      dy = ly - y,
      dz = lz - z;
    const distance = Math.hypot(dx, dy, dz);
    // Only solids that touch the cone from the point to the lamp can throw a shadow here.
    let candidates = 0;
    for (const s of this.#solids) {
      const px = s.x - x,
        py = s.y - y,
        pz = s.z - z;
      const along = (px * dx + py * dy + pz * dz) / distance;
      if (along < -s.bound) continue;
      const off2 = px * px + py * py + pz * pz - along * along;
      const radius = s.bound + (lightRadius * Math.max(0, along)) / distance + 0.01;
      if (off2 < radius * radius) this.#near[candidates++] = s;
    }
    if (candidates === 0) return 1;
    const inv = 1 / Math.hypot(dx, dz);
    const ux = -dz * inv,
      uz = dx * inv; // across, level
    const vx = (-uz * dy) / distance,
      vy = (uz * dx - ux * dz) / distance,
      vz = (ux * dy) / distance;
    let open = 0;
    for (let i = 0; i < lightSamples; i++) {
      const r = lightRadius * Math.sqrt((i + 0.5) / lightSamples);
      const a = r * Math.cos(i * golden + turn),
        b = r * Math.sin(i * golden + turn);
      let ex = dx + a * ux + b * vx,
        ey = dy + b * vy,
        ez = dz + a * uz + b * vz;
      const length = 1 / Math.sqrt(ex * ex + ey * ey + ez * ez);
      ex *= length;
      ey *= length;
      ez *= length;
      let through = 1;
      for (let j = 0; j < candidates; j++) {
        const s = this.#near[j]!;
        if (hitSolid(s, x, y, z, ex, ey, ez) === Number.POSITIVE_INFINITY) continue;
        through *= s.object >= 0 && this.#scene.objects[s.object]!.material === 'glass' ? 0.55 : 0;
        if (through === 0) break;
      }
      open += through;
      // All light or none after the outer half of the pattern is not proof, but corners are sampled first and last.
    }
    return open / lightSamples;
  }
  readonly #near: Solid[] = [];

  /** How open the sky is above a point, approximating neighbours by spheres; smooth, so no noise. */
  #openness(x: number, y: number, z: number, nx: number, ny: number, nz: number, self: number): number {
    let open = 1;
    for (let i = 0; i < this.#solids.length; i++) {
      if (i === self) continue;
      const s = this.#solids[i]!;
      const dx = s.x - x,
        dy = s.y - y,
        dz = s.z - z;
      const r = s.bound * 0.8;
      const d2 = Math.max(dx * dx + dy * dy + dz * dz, r * r);
      if (d2 > 16 * r * r) continue;
      const cos = (dx * nx + dy * ny + dz * nz) / Math.sqrt(d2);
      if (cos > 0) open *= 1 - 0.85 * cos * Math.min(1, (r * r) / d2) * (1 - d2 / (16 * r * r));
    }
    if (self >= 0) open *= 1 - 0.45 * Math.max(0, 0.5 - ny * 0.5) * Math.max(0, 1 - y);
    return open;
  }

  /** Linear RGB along a ray into `out`. */
  colourOf(
    ox: number,
    oy: number,
    oz: number,
    dx: number,
    dy: number,
    dz: number,
    turn: number,
    out: Float64Array,
    depth = 0,
  ): void {
    let best = dy < -1e-6 ? -oy / dy : Number.POSITIVE_INFINITY;
    let hit = -1;
    for (let i = 0; i < this.#solids.length; i++) {
      const t = hitSolid(this.#solids[i]!, ox, oy, oz, dx, dy, dz);
      if (t < best) {
        best = t;
        hit = i;
      }
    }
    if (depth === 0) this.hitObject = hit < 0 ? -1 : this.#solids[hit]!.object;
    const sky = this.#sky;
    if (best > 60) {
      const up = 0.75 + 0.6 * Math.max(0, dy);
      out[0] = sky[0] * up;
      out[1] = sky[1] * up;
      out[2] = sky[2] * up * 1.05;
      // A bright panel for things that mirror: gives metal and glass their look.
      const [lx, ly, lz] = this.#light;
      const toward = (dx * lx + dy * ly + dz * lz) / Math.hypot(lx, ly, lz);
      if (depth > 0 && toward > 0.9)
        for (let c = 0; c < 3; c++) out[c]! += this.#lamp[c]! * 8 * (toward - 0.9);
      return;
    }
    const x = ox + best * dx,
      y = oy + best * dy,
      z = oz + best * dz;
    let nx = 0,
      ny = 1,
      nz = 0;
    const solid = hit < 0 ? undefined : this.#solids[hit]!;
    if (solid) {
      hitSolid(solid, ox, oy, oz, dx, dy, dz, this.#normal);
      nx = this.#normal[0]!;
      ny = this.#normal[1]!;
      nz = this.#normal[2]!;
    }
    const object = solid === undefined || solid.object < 0 ? undefined : this.#scene.objects[solid.object]!;
    const base = object ? colours[object.colour] : solid ? ([0.5, 0.36, 0.22] as const) : this.#floor;
    const [lx, ly, lz] = this.#light;
    let tx = lx - x,
      ty = ly - y,
      tz = lz - z;
    const inv = 1 / Math.hypot(tx, ty, tz);
    tx *= inv;
    ty *= inv;
    tz *= inv;
    const facing = nx * tx + ny * ty + nz * tz;
    const e = 1e-3;
    const lit = facing <= 0 ? 0 : depth > 0 ? 0.8 : this.#lit(x + nx * e, y + ny * e, z + nz * e, turn);
    const ambient = this.#openness(x, y, z, nx, ny, nz, hit) * (0.75 + 0.25 * ny);
    for (let c = 0; c < 3; c++)
      out[c] = base[c]! * (sky[c]! * 1.15 * ambient + this.#lamp[c]! * lit * Math.max(0, facing));
    if (!object) {
      if (!solid) {
        // The floor fades into the background, as a studio's paper does.
        const far = Math.min(1, Math.max(0, (Math.hypot(x, z) - 4) / 9));
        for (let c = 0; c < 3; c++) out[c] = out[c]! * (1 - far) + sky[c]! * 0.75 * far;
      }
      return;
    }
    const along = dx * nx + dy * ny + dz * nz;
    const rx = dx - 2 * along * nx,
      ry = dy - 2 * along * ny,
      rz = dz - 2 * along * nz;
    const shine = Math.max(0, rx * tx + ry * ty + rz * tz);
    const fresnel = 0.04 + 0.96 * (1 + along) ** 5;
    const specular = lit * (object.material === 'matte' ? 0.12 * shine ** 12 : 1.6 * shine ** 90);
    if (object.material !== 'matte' && depth < 2) {
      const other = this.#scratch[depth]!;
      this.colourOf(x + nx * e, y + ny * e, z + nz * e, rx, ry, rz, turn, other, depth + 1);
      if (object.material === 'metal') {
        for (let c = 0; c < 3; c++) {
          const tint = (0.35 + 0.65 * base[c]!) * base[c]! + 0.12 * base[c]! + fresnel * 0.5;
          out[c] = out[c]! * 0.45 + other[c]! * Math.min(1, tint * 1.7);
        }
      } else {
        for (let c = 0; c < 3; c++) out[c] = out[c]! * 0.5 + other[c]! * Math.min(1, fresnel * 1.2);
        // Straight through, tinted: thin glass. What is behind starts where the ray leaves the solid's bound.
        const leave = 2 * solid!.bound;
        this.colourOf(
          x + dx * leave,
          Math.max(0.02, y + dy * leave),
          z + dz * leave,
          dx,
          dy,
          dz,
          turn,
          other,
          depth + 1,
        );
        for (let c = 0; c < 3; c++) out[c]! += other[c]! * (0.25 + 1.1 * base[c]!) * 0.55 * (1 - fresnel);
      }
    }
    for (let c = 0; c < 3; c++) out[c]! += this.#lamp[c]! * specular;
  }
  readonly #scratch = [new Float64Array(3), new Float64Array(3)];
}
