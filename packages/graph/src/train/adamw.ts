import { GraphError } from '../errors.js';

/** Hyper-parameters of AdamW (Loshchilov and Hutter 2019) and of clipping. */
export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled decay per unit of learning rate, for the parameters that are decayed. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm if they exceed it. */
  readonly clipNorm: number;
}

/** Usual settings for a small transformer. */
export const DEFAULT_ADAMW: AdamWOptions = {
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
};

/** One parameter with everything its update needs; all arrays are of one length. */
export interface AdamWSlot {
  readonly parameter: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly isDecayed: boolean;
}

/** Euclidean norm over all gradients together, summed in float64 in the given order. */
export function globalNorm(gradients: Iterable<Float32Array>): number {
  let sum = 0;
  for (const gradient of gradients) {
    for (let k = 0; k < gradient.length; k++) {
      const value = gradient[k] as number;
      sum += value * value;
    }
  }
  return Math.sqrt(sum);
}

/**
 * Updates one parameter and its moments in place.
 * @param step number of this step, from 1 (for bias correction).
 * @param gradientScale factor on the gradient, from clipping.
 */
export function adamwUpdate(
  slot: AdamWSlot,
  gradient: Float32Array,
  step: number,
  learningRate: number,
  gradientScale: number,
  options: AdamWOptions,
): void {
  const { parameter, first, second } = slot;
  if (gradient.length !== parameter.length) {
    throw new GraphError(
      'shape_mismatch',
      `gradient has ${gradient.length} elements, parameter ${parameter.length}`,
    );
  }
  const { beta1, beta2, epsilon } = options;
  const keep = slot.isDecayed ? 1 - learningRate * options.weightDecay : 1;
  const stepSize = learningRate / (1 - beta1 ** step);
  const secondCorrection = 1 / (1 - beta2 ** step);
  for (let k = 0; k < parameter.length; k++) {
    const g = (gradient[k] as number) * gradientScale;
    const m = beta1 * (first[k] as number) + (1 - beta1) * g;
    const v = beta2 * (second[k] as number) + (1 - beta2) * g * g;
    first[k] = m;
    second[k] = v;
    parameter[k] =
      keep * (parameter[k] as number) - (stepSize * m) / (Math.sqrt(v * secondCorrection) + epsilon);
  }
}
