import { GraphError } from './errors.js';

/** Extents of a tensor, outermost first. A scalar has the shape `[]`. */
export type Shape = readonly number[];

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  return shape.reduce((count, extent) => count * extent, 1);
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= extentOf(shape, axis);
  }
  return strides;
}

/** The extent of one axis; negative axes count from the end. Throws when there is no such axis. */
export function extentOf(shape: Shape, axis: number): number {
  const extent = shape.at(axis);
  if (extent === undefined) {
    throw new GraphError('invalid_attribute', `axis ${axis} does not exist in shape [${shape}]`);
  }
  return extent;
}

/** Turns an axis that may count from the end into 0..rank-1. */
export function normalizeAxis(axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    throw new GraphError('invalid_attribute', `axis ${axis} is outside a tensor of rank ${rank}`);
  }
  return normalized;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** The common shape of two operands after right-aligned broadcasting; throws `shape_mismatch` if there is none. */
export function broadcastShapes(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const extentA = a[axis - rank + a.length] ?? 1;
    const extentB = b[axis - rank + b.length] ?? 1;
    if (extentA !== extentB && extentA !== 1 && extentB !== 1) {
      throw new GraphError('shape_mismatch', `shapes [${a}] and [${b}] cannot be broadcast together`);
    }
    return extentA === 1 ? extentB : extentA;
  });
}

export function assertValidShape(shape: Shape, what: string): void {
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 1) {
      throw new GraphError(
        'shape_mismatch',
        `${what} has shape [${shape}]; every extent must be a positive integer`,
      );
    }
  }
}
