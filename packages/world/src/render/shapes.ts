import { halfExtents, type Quaternion, type Scene, type Shape, type Vec3 } from '../scene.js';

/** A shape ready for rays: world to local rotation rows, centre, half sizes, bounding sphere. */
export interface Solid {
  readonly kind: 'sphere' | 'box' | 'wedge' | 'cylinder' | 'cone';
  readonly m: Float64Array; // [9] rows: local = m * (world - centre)
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly half: Vec3;
  readonly bound: number;
  /** Index into the scene's objects, or -1 for a prop. */
  readonly object: number;
}

const kinds: Record<Shape, Solid['kind']> = {
  sphere: 'sphere',
  cube: 'box',
  brick: 'box',
  wedge: 'wedge',
  cylinder: 'cylinder',
  cone: 'cone',
};

function inverseRotation([x, y, z, w]: Quaternion): Float64Array {
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y + z * w),
    2 * (x * z - y * w),
    2 * (x * y - z * w),
    1 - 2 * (x * x + z * z),
    2 * (y * z + x * w),
    2 * (x * z + y * w),
    2 * (y * z - x * w),
    1 - 2 * (x * x + y * y),
  );
}

/** All solids of a scene, objects first. */
export function solidsOf(scene: Scene): Solid[] {
  const make = (
    kind: Solid['kind'],
    position: Vec3,
    rotation: Quaternion,
    half: Vec3,
    object: number,
  ): Solid => ({
    kind,
    m: inverseRotation(rotation),
    x: position[0],
    y: position[1],
    z: position[2],
    half,
    bound:
      kind === 'sphere'
        ? half[0]
        : kind === 'box' || kind === 'wedge'
          ? Math.hypot(...half)
          : Math.hypot(half[0], half[1]),
    object,
  });
  return [
    ...scene.objects.map((o, i) => make(kinds[o.shape], o.position, o.rotation, halfExtents(o), i)),
    ...scene.props.map((p) => make('box', p.position, p.rotation, p.half, -1)),
  ];
}

const nearest = 1e-4;
/** Local normal of the last hit; the caller turns it back. One renderer per thread, so module state is safe. */
const normal = new Float64Array(3);

function set(x: number, y: number, z: number): void {
  normal[0] = x;
  normal[1] = y;
  normal[2] = z;
}

/** Distance along a local ray to a box, or Infinity. */
function hitBox(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, h: Vec3): number {
  const ix = 1 / dx,
    iy = 1 / dy,
    iz = 1 / dz;
  const ax = Math.abs(ix) * h[0],
    ay = Math.abs(iy) * h[1],
    az = Math.abs(iz) * h[2];
  const nx = -ox * ix - ax,
    ny = -oy * iy - ay,
    nz = -oz * iz - az;
  const near = Math.max(nx, ny, nz);
  const far = Math.min(-ox * ix + ax, -oy * iy + ay, -oz * iz + az);
  if (!(near <= far) || near < nearest) return Number.POSITIVE_INFINITY;
  if (near === nx) set(-Math.sign(dx), 0, 0);
  else if (near === ny) set(0, -Math.sign(dy), 0);
  else set(0, 0, -Math.sign(dz));
  return near;
}

/** A wedge is the half of a box below the plane from its upper edge at -x to its lower edge at +x. */
function hitWedge(ox: number, oy: number, oz: number, dx: number, dy: number, dz: number, h: Vec3): number {
  const above = h[1] * ox + h[0] * oy;
  const rate = h[1] * dx + h[0] * dy;
  const box = hitBox(ox, oy, oz, dx, dy, dz, h);
  if (box === Number.POSITIVE_INFINITY) return box;
  if (above + rate * box <= 0) return box;
  if (rate >= 0) return Number.POSITIVE_INFINITY;
  const t = -above / rate;
  const inside = 1 + 1e-9;
  if (
    t < nearest ||
    Math.abs(ox + t * dx) > h[0] * inside ||
    Math.abs(oy + t * dy) > h[1] * inside ||
    Math.abs(oz + t * dz) > h[2] * inside
  )
    return Number.POSITIVE_INFINITY;
  const length = Math.hypot(h[0], h[1]);
  set(h[1] / length, h[0] / length, 0);
  return t;
}

function hitRound(s: Solid, ox: number, oy: number, oz: number, dx: number, dy: number, dz: number): number {
  const r = s.half[0],
    h = s.half[1];
  const k = s.kind === 'cone' ? r / (2 * h) : 0;
  const base = s.kind === 'cone' ? r / 2 : r; // radius at the centre's height; radius(y) = base - k y
  let best = Number.POSITIVE_INFINITY;
  const q = base - k * oy;
  const a = dx * dx + dz * dz - k * k * dy * dy;
  const b = ox * dx + oz * dz + k * dy * q;
  const c = ox * ox + oz * oz - q * q;
  const disc = b * b - a * c;
  if (disc > 0 && Math.abs(a) > 1e-12) {
    const root = Math.sqrt(disc);
    for (let i = -1; i <= 1; i += 2) {
      const t = (-b + i * root) / a;
      const y = oy + t * dy;
      if (t < nearest || t >= best || y < -h || y > h) continue;
      best = t;
      const x = ox + t * dx,
        z = oz + t * dz;
      const radius = base - k * y;
      const scale = 1 / (Math.max(radius, 1e-9) * Math.sqrt(1 + k * k));
      set(x * scale, k / Math.sqrt(1 + k * k), z * scale);
    }
  }
  for (let side = -1; side <= 1; side += 2) {
    if (s.kind === 'cone' && side > 0) continue;
    const t = (side * h - oy) / dy;
    if (!(t > nearest && t < best)) continue;
    const x = ox + t * dx,
      z = oz + t * dz;
    if (x * x + z * z > r * r) continue;
    best = t;
    set(0, side, 0);
  }
  return best;
}

/** Distance along a ray of length-1 direction to a solid, or Infinity. The world normal goes to `out` if given. */
export function hitSolid(
  s: Solid,
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
  out?: Float64Array,
): number {
  const px = ox - s.x,
    py = oy - s.y,
    pz = oz - s.z;
  const b = px * dx + py * dy + pz * dz;
  const c = px * px + py * py + pz * pz - s.bound * s.bound;
  const disc = b * b - c;
  if (disc <= 0 || (b > 0 && c > 0)) return Number.POSITIVE_INFINITY;
  if (s.kind === 'sphere') {
    const t = -b - Math.sqrt(disc);
    if (t < nearest) return Number.POSITIVE_INFINITY;
    if (out) {
      out[0] = (px + t * dx) / s.bound;
      out[1] = (py + t * dy) / s.bound;
      out[2] = (pz + t * dz) / s.bound;
    }
    return t;
  }
  const m = s.m;
  const lx = m[0]! * px + m[1]! * py + m[2]! * pz;
  const ly = m[3]! * px + m[4]! * py + m[5]! * pz;
  const lz = m[6]! * px + m[7]! * py + m[8]! * pz;
  const ex = m[0]! * dx + m[1]! * dy + m[2]! * dz;
  const ey = m[3]! * dx + m[4]! * dy + m[5]! * dz;
  const ez = m[6]! * dx + m[7]! * dy + m[8]! * dz;
  const t =
    s.kind === 'box'
      ? hitBox(lx, ly, lz, ex, ey, ez, s.half)
      : s.kind === 'wedge'
        ? hitWedge(lx, ly, lz, ex, ey, ez, s.half)
        : hitRound(s, lx, ly, lz, ex, ey, ez);
  if (out && t < Number.POSITIVE_INFINITY) {
    const [x, y, z] = normal as unknown as [number, number, number];
    out[0] = m[0]! * x + m[3]! * y + m[6]! * z;
    out[1] = m[1]! * x + m[4]! * y + m[7]! * z;
    out[2] = m[2]! * x + m[5]! * y + m[8]! * z;
  }
  return t;
}
