import { WorldError } from '../errors.js';
import type { Scene } from '../scene.js';
import { hitSolid, solidsOf } from './shapes.js';
import { Tracer } from './tracer.js';

/** A picture with its truth. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array; // [height, width, 3] sRGB
  /** 0 for the background, else index in `scene.objects` plus 1, at pixel centres. */
  readonly mask: Uint8Array; // [height, width]
  /** Pixels seen over pixels there would be with nothing in front and no frame edge cut, per object. */
  readonly visible: readonly number[];
}

/** Size in pixels, both default 64. */
export interface RenderOptions {
  width?: number;
  height?: number;
}

/** 12-bit linear to sRGB with a soft shoulder; a table because the curve is called for every sample. */
const curve = new Uint8Array(4097);
for (let i = 0; i <= 4096; i++) {
  const x = i / 1024;
  const mapped = (x * (1 + x / 9)) / (1 + x * 0.62);
  const s = mapped <= 0.0031308 ? 12.92 * mapped : 1.055 * mapped ** (1 / 2.4) - 0.055;
  curve[i] = Math.round(255 * Math.min(1, s));
}
const level = (linear: number): number => curve[Math.min(4096, Math.max(0, Math.round(linear * 1024)))]!;

/** 4x4 ordered turns of the light pattern: noise without grain that moves between frames. */
const bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];

/**
 * Renders a scene by casting rays: one per pixel, four where neighbouring pixels differ (edges).
 * @throws WorldError `ARGUMENT` for sizes outside 8..2048
 */
export function render(scene: Scene, options: RenderOptions = {}): Frame {
  const { width = 64, height = width } = options;
  for (const [name, size] of Object.entries({ width, height }))
    if (!Number.isInteger(size) || size < 8 || size > 2048)
      throw new WorldError('ARGUMENT', `${name} must be a whole number from 8 to 2048, not ${size}`);
  const tracer = new Tracer(scene);
  const [ox, oy, oz] = scene.camera.position;
  const [gx, gy, gz] = scene.camera.target;
  const distance = Math.hypot(gx - ox, gy - oy, gz - oz);
  const fx = (gx - ox) / distance,
    fy = (gy - oy) / distance,
    fz = (gz - oz) / distance;
  const level2 = Math.hypot(fx, fz);
  const rx = -fz / level2,
    rz = fx / level2;
  const ux = -rz * fy,
    uy = rz * fx - rx * fz,
    uz = rx * fy;
  const scale = Math.tan((scene.camera.fieldOfView * Math.PI) / 360);
  const direction = new Float64Array(3);
  const aim = (px: number, py: number): void => {
    const a = ((2 * px - width) / height) * scale;
    const b = ((height - 2 * py) / height) * scale;
    const x = fx + a * rx + b * ux,
      y = fy + b * uy,
      z = fz + a * rz + b * uz;
    const inv = 1 / Math.sqrt(x * x + y * y + z * z);
    direction[0] = x * inv;
    direction[1] = y * inv;
    direction[2] = z * inv;
  };
  const rgb = new Float64Array(3);
  const sample = (px: number, py: number, turn: number): void => {
    aim(px, py);
    tracer.colourOf(ox, oy, oz, direction[0]!, direction[1]!, direction[2]!, turn, rgb);
  };
  const data = new Uint8Array(width * height * 3);
  const mask = new Uint8Array(width * height);
  const turnOf = (x: number, y: number): number => bayer[(y & 3) * 4 + (x & 3)]! * 0.0327;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      sample(x + 0.5, y + 0.5, turnOf(x, y));
      mask[at] = tracer.hitObject + 1;
      for (let c = 0; c < 3; c++) data[3 * at + c] = level(rgb[c]!);
    }
  const first = data.slice();
  const differs = (a: number, b: number): boolean =>
    mask[a] !== mask[b] ||
    Math.abs(first[3 * a]! - first[3 * b]!) +
      Math.abs(first[3 * a + 1]! - first[3 * b + 1]!) +
      Math.abs(first[3 * a + 2]! - first[3 * b + 2]!) >
      60;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const isEdge =
        (x > 0 && differs(at, at - 1)) ||
        (x < width - 1 && differs(at, at + 1)) ||
        (y > 0 && differs(at, at - width)) ||
        (y < height - 1 && differs(at, at + width));
      if (!isEdge) continue;
      let r = 0,
        g = 0,
        b = 0;
      for (let i = 0; i < 4; i++) {
        sample(
          x + [0.375, 0.875, 0.125, 0.625][i]!,
          y + [0.125, 0.375, 0.625, 0.875][i]!,
          turnOf(x, y) + i * 0.6,
        );
        // Averaged after the curve: a lamp's reflection would else outshine the whole pixel.
        r += level(rgb[0]!);
        g += level(rgb[1]!);
        b += level(rgb[2]!);
      }
      data[3 * at] = (r + 2) >> 2;
      data[3 * at + 1] = (g + 2) >> 2;
      data[3 * at + 2] = (b + 2) >> 2;
    }
  return { width, height, channels: 3, data, mask, visible: visibility() };

  function visibility(): number[] {
    const seen = new Float64Array(scene.objects.length + 1);
    for (const id of mask) seen[id]!++;
    const step = Math.max(1, Math.floor(height / 64));
    return solidsOf({ ...scene, props: [] }).map((solid, i) => {
      // Alone on an unbounded picture: pixels of its outline, looked for around its centre's projection.
      const px = solid.x - ox,
        py = solid.y - oy,
        pz = solid.z - oz;
      const depth = px * fx + py * fy + pz * fz;
      if (depth <= solid.bound) return 0;
      const cx = width / 2 + ((px * rx + pz * rz) / depth / scale) * (height / 2);
      const cy = height / 2 - ((px * ux + py * uy + pz * uz) / depth / scale) * (height / 2);
      const radius = Math.ceil((solid.bound / (depth - solid.bound) / scale) * (height / 2)) + 1;
      let whole = 0;
      for (let y = Math.floor(cy) - radius; y <= cy + radius; y += step)
        for (let x = Math.floor(cx) - radius; x <= cx + radius; x += step) {
          aim(x + 0.5, y + 0.5);
          if (
            hitSolid(solid, ox, oy, oz, direction[0]!, direction[1]!, direction[2]!) <
            Number.POSITIVE_INFINITY
          )
            whole++;
        }
      return whole === 0 ? 0 : Math.min(1, seen[i + 1]! / (whole * step * step));
    });
  }
}
