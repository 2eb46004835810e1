import { GraphError } from '../errors.js';
import { exportOnnx, type OnnxModel } from '../onnx/export.js';
import { add, div, mul, scale, sqrt } from '../ops/elementwise.js';
import { input, scalar } from '../ops/leaf.js';
import { matmul } from '../ops/matmul.js';
import { sumAll } from '../ops/reduce.js';
import { extentOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** Hyper-parameters of Muon: momentum whose direction is orthogonalised (Jordan et al. 2024). */
export interface MuonOptions {
  readonly momentum: number;
  /** Decoupled decay per unit of learning rate. */
  readonly weightDecay: number;
}

export const DEFAULT_MUON: MuonOptions = { momentum: 0.95, weightDecay: 0.1 };

/** A matrix that Muon trains, with its momentum. */
export interface MuonSlot {
  readonly parameter: Float32Array;
  readonly momentum: Float32Array;
  readonly shape: Shape;
}

const NEWTON_SCHULZ_STEPS = 5;
/** Coefficients of the quintic iteration, chosen there for the steepest rise at 0. */
const [LINEAR, CUBIC, QUINTIC] = [3.4445, -4.775, 2.0315];

/**
 * Brings all singular values of a matrix close to one by five Newton-Schulz steps: X <- aX + (bA + cAA)X, A = XX^T, on
 * the shorter side.
 */
export function orthogonalize(matrix: Tensor): Tensor {
  const isWide = extentOf(matrix.shape, 0) <= extentOf(matrix.shape, 1);
  let x = div(matrix, add(sqrt(sumAll(mul(matrix, matrix))), scalar(1e-7)));
  for (let step = 0; step < NEWTON_SCHULZ_STEPS; step++) {
    const gram = isWide ? matmul(x, x, { transposeB: true }) : matmul(x, x, { transposeA: true });
    const polynomial = add(scale(gram, CUBIC), scale(matmul(gram, gram), QUINTIC));
    x = add(scale(x, LINEAR), isWide ? matmul(polynomial, x) : matmul(x, polynomial));
  }
  return x;
}

/** A model that orthogonalises all the given matrices at once, fed and returned under their names. */
export function orthogonalizeModel(shapes: ReadonlyMap<string, Shape>): OnnxModel {
  const outputs = [...shapes].map(
    ([name, shape]) => [orthogonalOutput(name), orthogonalize(input(name, shape))] as const,
  );
  return exportOnnx(Object.fromEntries(outputs));
}

/** Name of the output that belongs to a matrix. */
export function orthogonalOutput(name: string): string {
  return `orthogonal:${name}`;
}

/** Adds a gradient to the momentum and returns the direction to orthogonalise (Nesterov's look-ahead). */
export function muonDirection(
  slot: MuonSlot,
  gradient: Float32Array,
  gradientScale: number,
  options: MuonOptions,
): Float32Array {
  const { momentum } = slot;
  if (gradient.length !== momentum.length) {
    throw new GraphError(
      'shape_mismatch',
      `gradient has ${gradient.length} elements, parameter ${momentum.length}`,
    );
  }
  const direction = new Float32Array(momentum.length);
  for (let k = 0; k < momentum.length; k++) {
    const g = (gradient[k] as number) * gradientScale;
    const m = options.momentum * (momentum[k] as number) + g;
    momentum[k] = m;
    direction[k] = g + options.momentum * m;
  }
  return direction;
}

/**
 * Moves the matrix along its orthogonalised direction. The factor 0.2 sqrt(longer side) gives the step the size of an
 * AdamW step, so that both share one learning rate (Liu et al. 2025, equation 4).
 */
export function muonUpdate(
  slot: MuonSlot,
  orthogonal: Float32Array,
  learningRate: number,
  options: MuonOptions,
): void {
  const { parameter, shape } = slot;
  const keep = 1 - learningRate * options.weightDecay;
  const stepSize = learningRate * 0.2 * Math.sqrt(Math.max(...shape));
  for (let k = 0; k < parameter.length; k++) {
    parameter[k] = keep * (parameter[k] as number) - stepSize * (orthogonal[k] as number);
  }
}
