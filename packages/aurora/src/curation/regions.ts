import { rangeAround } from './plane.js';

/** Connected regions of marks. */
export interface Regions {
  readonly mask: Uint8Array; // the marks of regions that are large enough
  readonly near: Uint8Array; // the same with the margin they were joined over
  /** Marks in all regions, and in each. */
  readonly area: number;
  readonly areas: readonly number[];
  /** Area of the regions' bounding boxes. */
  readonly boxes: number;
}

/**
 * Finds regions of marks (1), joining those up to `2 joined` pixels apart; regions of fewer than `least` marks are
 * dropped.
 */
export function regionsOf(
  marks: Uint8Array,
  { width, height, joined, least }: { width: number; height: number; joined: number; least: number },
): Regions {
  const wide = rangeAround({ width, height, data: Float32Array.from(marks) }, joined).high;
  const mask = new Uint8Array(marks.length);
  const near = new Uint8Array(marks.length);
  const seen = new Uint8Array(marks.length);
  const areas: number[] = [];
  let boxes = 0;
  for (let start = 0; start < marks.length; start++) {
    if (wide[start] !== 1 || seen[start] === 1) continue;
    const members = flood(wide, seen, width, start);
    let [area, left, right, top, bottom] = [0, width, 0, height, 0];
    for (const at of members) {
      if (marks[at] !== 1) continue;
      const x = at % width;
      const y = (at - x) / width;
      area++;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    if (area < least) continue;
    for (const at of members) {
      near[at] = 1;
      if (marks[at] === 1) mask[at] = 1;
    }
    areas.push(area);
    boxes += (right - left + 1) * (bottom - top + 1);
  }
  return { mask, near, area: areas.reduce((sum, area) => sum + area, 0), areas, boxes };
}

/** All pixels connected with one (over edges, not corners); they become seen. */
function flood(wide: Float32Array, seen: Uint8Array, width: number, start: number): number[] {
  const members: number[] = [];
  const stack = [start];
  seen[start] = 1;
  const visit = (to: number): void => {
    if (wide[to] !== 1 || seen[to] === 1) return; // outside of the frame there is nothing
    seen[to] = 1;
    stack.push(to);
  };
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    members.push(at);
    const x = at % width;
    if (x > 0) visit(at - 1);
    if (x < width - 1) visit(at + 1);
    visit(at - width);
    visit(at + width);
  }
  return members;
}
