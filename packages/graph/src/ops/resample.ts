import { GraphError } from '../errors.js';
import { ints, string } from '../onnx/emitter.js';
import { elementCount, extentOf, type Shape } from '../shape.js';
import { apply, at, type OpRecord, requireDtype, type Tensor } from '../tensor.js';
import { scale } from './elementwise.js';
import { reshape, transpose } from './shape.js';

// Changes of resolution of images [batch, channels, height, width] by a whole factor.

interface FactorAttributes {
  readonly factor: number;
}

const upsampleRecord: OpRecord<FactorAttributes> = {
  name: 'upsampleNearest',
  infer: (inputs, { factor }) => {
    const { shape } = imageOf(inputs, factor, 'upsampleNearest');
    return { shape: resized(shape, (extent) => extent * factor), dtype: 'float32' };
  },
  gradient: ({ attributes: { factor } }, g) => [scale(averagePool(g, factor), factor * factor)],
  lower: ({ attributes: { factor } }, inputs, onnx) => {
    const factors = onnx.constant(Float32Array.of(1, 1, factor, factor), [4]);
    return onnx.node('Resize', [at(inputs, 0), '', factors], {
      mode: string('nearest'),
      coordinate_transformation_mode: string('asymmetric'),
      nearest_mode: string('floor'),
    });
  },
  evaluate: ({ output, attributes: { factor } }, inputs) => {
    const small = at(inputs, 0).data;
    const result = new Float64Array(elementCount(output.shape));
    const source = coarseIndex(output.shape, factor);
    return result.map((_, k) => small[source(k)] ?? Number.NaN);
  },
};

/** Every pixel becomes factor x factor equal ones. x [batch, channels, height, width]. */
export function upsampleNearest(x: Tensor, factor: number): Tensor {
  return apply(upsampleRecord, [x], { factor });
}

const averagePoolRecord: OpRecord<FactorAttributes> = {
  name: 'averagePool',
  infer: (inputs, { factor }) => {
    const { shape } = imageOf(inputs, factor, 'averagePool');
    requireDivisible(shape, factor, 'averagePool');
    return { shape: resized(shape, (extent) => extent / factor), dtype: 'float32' };
  },
  gradient: ({ attributes: { factor } }, g) => [scale(upsampleNearest(g, factor), 1 / (factor * factor))],
  lower: ({ attributes: { factor } }, inputs, onnx) =>
    onnx.node('AveragePool', [at(inputs, 0)], {
      kernel_shape: ints([factor, factor]),
      strides: ints([factor, factor]),
    }),
  evaluate: ({ output, attributes: { factor } }, inputs) => {
    const { data, shape } = at(inputs, 0);
    const result = new Float64Array(elementCount(output.shape));
    const target = coarseIndex(shape, factor);
    data.forEach((value, k) => {
      result[target(k)] = (result[target(k)] ?? 0) + value / (factor * factor);
    });
    return result;
  },
};

/** Mean of every factor x factor block of pixels. x [batch, channels, height, width]; the factor divides both sides. */
export function averagePool(x: Tensor, factor: number): Tensor {
  return apply(averagePoolRecord, [x], { factor });
}

/**
 * Blocks of factor x factor pixels become channels, in the order of `torch.nn.PixelUnshuffle`: [batch, channels, height,
 * width] -> [batch, channels factor^2, height / factor, width / factor]. Exact, and undone by {@link pixelShuffle}.
 * @throws GraphError `shape_mismatch` if the factor does not divide height and width.
 */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const { shape } = imageOf([x], factor, 'pixelUnshuffle');
  requireDivisible(shape, factor, 'pixelUnshuffle');
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const blocks = reshape(x, [batch, channels, height / factor, factor, width / factor, factor]);
  const moved = transpose(blocks, [0, 1, 3, 5, 2, 4]);
  return reshape(moved, [batch, channels * factor * factor, height / factor, width / factor]);
}

/**
 * Channels become blocks of factor x factor pixels, in the order of `torch.nn.PixelShuffle`: [batch, channels factor^2,
 * height, width] -> [batch, channels, height factor, width factor].
 * @throws GraphError `shape_mismatch` if the factor's square does not divide the channels.
 */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [batch, channels, height, width] = imageOf([x], factor, 'pixelShuffle').shape as [
    number,
    number,
    number,
    number,
  ];
  const left = channels / factor ** 2;
  if (!Number.isInteger(left)) {
    throw new GraphError(
      'shape_mismatch',
      `pixelShuffle by ${factor} does not fit the channels of [${x.shape}]`,
    );
  }
  const blocks = reshape(x, [batch, left, factor, factor, height, width]);
  const moved = transpose(blocks, [0, 1, 4, 2, 5, 3]);
  return reshape(moved, [batch, left, height * factor, width * factor]);
}

function imageOf(inputs: readonly Tensor[], factor: number, opName: string): Tensor {
  const x = at(inputs, 0);
  requireDtype(x, 'float32', opName);
  if (x.shape.length !== 4) {
    throw new GraphError(
      'shape_mismatch',
      `${opName} needs [batch, channels, height, width], got [${x.shape}]`,
    );
  }
  if (!Number.isInteger(factor) || factor < 1) {
    throw new GraphError('invalid_attribute', `${opName} needs a whole factor of at least 1, got ${factor}`);
  }
  return x;
}

function requireDivisible(shape: Shape, factor: number, opName: string): void {
  if (extentOf(shape, 2) % factor !== 0 || extentOf(shape, 3) % factor !== 0) {
    throw new GraphError('shape_mismatch', `${opName}: ${factor} does not divide the sides of [${shape}]`);
  }
}

function resized(shape: Shape, side: (extent: number) => number): Shape {
  return [extentOf(shape, 0), extentOf(shape, 1), side(extentOf(shape, 2)), side(extentOf(shape, 3))];
}

/** Maps a flat index of the finer image to that of the pixel of the coarser image it belongs to. */
function coarseIndex(fine: Shape, factor: number): (index: number) => number {
  const [height, width] = [extentOf(fine, 2), extentOf(fine, 3)];
  return (index) => {
    const plane = Math.floor(index / (height * width));
    const y = Math.floor((Math.floor(index / width) % height) / factor);
    const x = Math.floor((index % width) / factor);
    return (plane * (height / factor) + y) * (width / factor) + x;
  };
}
