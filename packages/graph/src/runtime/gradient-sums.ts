import { GraphError } from '../errors.js';
import type { TensorRecord } from './protocol.js';

/** Prefix of the outputs of a training model that hold gradients; the rest of the name is the parameter's. */
export const GRADIENT_PREFIX = 'grad:';

/** Mean loss and mean gradients over the batches of one step. */
export class GradientSums {
  readonly gradients = new Map<string, Float32Array>();
  loss = 0;
  private readonly share: number;

  constructor(batchCount: number) {
    this.share = 1 / batchCount;
  }

  /** Adds the outputs of one batch. Those of a lone batch are used as they are, without a copy. */
  add(outputs: TensorRecord): void {
    const loss = outputs.loss?.[0];
    if (loss === undefined) {
      throw new GraphError('invalid_feed', 'a training model needs an output named "loss"');
    }
    this.loss += this.share * loss;
    for (const [output, gradient] of Object.entries(outputs)) {
      if (!output.startsWith(GRADIENT_PREFIX) || !(gradient instanceof Float32Array)) continue;
      const name = output.slice(GRADIENT_PREFIX.length);
      const sum = this.gradients.get(name);
      if (this.share === 1) this.gradients.set(name, gradient);
      else if (sum === undefined)
        this.gradients.set(
          name,
          gradient.map((value) => this.share * value),
        );
      else addScaled(sum, gradient, this.share);
    }
  }
}

function addScaled(sum: Float32Array, values: Float32Array, factor: number): void {
  for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] as number) + factor * (values[k] as number);
}
