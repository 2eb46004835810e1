import { GraphError } from '../../errors.js';
import { extentOf, type Shape } from '../../shape.js';

/** Zeros around an image, in pixels: the same on all sides, [vertical, horizontal], or side by side. */
export type Padding2d =
  | number
  | readonly [number, number]
  | { readonly top: number; readonly left: number; readonly bottom: number; readonly right: number };

/** How a kernel moves over an image. All lengths are in pixels; a pair is [vertical, horizontal]. */
export interface Conv2dOptions {
  /** Distance between two positions of the kernel; 1 by default. */
  readonly stride?: number | readonly [number, number];
  /** Zeros around the image; 0 by default. May differ from side to side. */
  readonly padding?: Padding2d;
  /** Distance between two taps of the kernel; 1 by default. */
  readonly dilation?: number | readonly [number, number];
  /** Number of channel groups that do not see each other; 1 by default. */
  readonly groups?: number;
}

/** {@link Conv2dOptions} with nothing left open: what the records hold. */
export interface ConvGeometry {
  readonly stride: readonly [number, number];
  /** top, left, bottom, right: the order of ONNX. */
  readonly pads: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** Extents of one convolution: x [batch, inChannels, ...in], w [outChannels, inChannels / groups, ...kernel], y [batch, outChannels, ...out]. */
export interface ConvExtents {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of x, of the kernel and of y. */
  readonly in: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly out: readonly [number, number];
}

/** Fills in the defaults. @throws GraphError `invalid_attribute` that names the option. */
export function convGeometry(options: Conv2dOptions): ConvGeometry {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const geometry: ConvGeometry = {
    stride: pairOf(stride),
    pads: padsOf(padding),
    dilation: pairOf(dilation),
    groups,
  };
  requireWhole('stride', geometry.stride, 1);
  requireWhole('padding', geometry.pads, 0);
  requireWhole('dilation', geometry.dilation, 1);
  requireWhole('groups', [groups], 1);
  return geometry;
}

/** Number of pixels the taps of a kernel span on one axis (0 vertical, 1 horizontal). */
export function kernelSpan(kernel: readonly [number, number], geometry: ConvGeometry, axis: 0 | 1): number {
  return geometry.dilation[axis] * (kernel[axis] - 1) + 1;
}

/** Height and width of a convolution's result. May be smaller than 1 if the kernel does not fit. */
export function convOutputSize(
  size: readonly [number, number],
  kernel: readonly [number, number],
  geometry: ConvGeometry,
): [number, number] {
  const along = (axis: 0 | 1): number => {
    const room =
      size[axis] + geometry.pads[axis] + geometry.pads[axis + 2]! - kernelSpan(kernel, geometry, axis);
    return Math.floor(room / geometry.stride[axis]) + 1;
  };
  return [along(0), along(1)];
}

/**
 * Checks that image, kernel and result belong together and returns their extents.
 * @throws GraphError `shape_mismatch` that names the operation and the shapes.
 */
export function convExtents(
  opName: string,
  x: Shape,
  weight: Shape,
  y: Shape,
  geometry: ConvGeometry,
): ConvExtents {
  const { groups } = geometry;
  const fail = (why: string): never => {
    throw new GraphError(
      'shape_mismatch',
      `${opName}: image [${x}], weight [${weight}], result [${y}], ${groups} groups: ${why}`,
    );
  };
  if (x.length !== 4 || weight.length !== 4 || y.length !== 4) {
    return fail(
      'all three need four axes, [batch, channels, height, width] or [out, in / groups, height, width]',
    );
  }
  const [batch, inChannels, outChannels] = [extentOf(x, 0), extentOf(x, 1), extentOf(weight, 0)];
  if (inChannels !== extentOf(weight, 1) * groups) fail('the channels of image and weight do not agree');
  if (outChannels % groups !== 0) fail('the groups do not divide the output channels');
  const extents: ConvExtents = {
    batch,
    inChannels,
    outChannels,
    in: sizeOf(x),
    kernel: sizeOf(weight),
    out: sizeOf(y),
  };
  const expected = convOutputSize(extents.in, extents.kernel, geometry);
  if (expected[0] < 1 || expected[1] < 1) fail('the kernel is larger than the padded image');
  const fits = expected[0] === extents.out[0] && expected[1] === extents.out[1];
  if (!fits || batch !== y[0] || outChannels !== y[1]) {
    fail(`the result should be [${[batch, outChannels, ...expected]}]`);
  }
  return extents;
}

/** Height and width of a tensor of four axes. */
export function sizeOf(shape: Shape): [number, number] {
  return [extentOf(shape, 2), extentOf(shape, 3)];
}

function pairOf(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

function padsOf(padding: Padding2d): readonly [number, number, number, number] {
  if (typeof padding === 'object' && 'top' in padding) {
    return [padding.top, padding.left, padding.bottom, padding.right];
  }
  const [vertical, horizontal] = pairOf(padding);
  return [vertical, horizontal, vertical, horizontal];
}

function requireWhole(option: string, values: readonly number[], least: number): void {
  if (values.some((value) => !Number.isInteger(value) || value < least)) {
    throw new GraphError(
      'invalid_attribute',
      `${option} must be whole numbers of at least ${least}, got [${values}]`,
    );
  }
}
