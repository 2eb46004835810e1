import { elementCount, type Random } from '@triptych/graph';
import type { LlamaConfig } from './config.js';
import { llamaParameterShapes } from './decoder.js';

const DEVIATION = 0.02;

/**
 * Random initial weights: normal with deviation 0.02, the two projections that write to the residual stream scaled down
 * by sqrt(2 layers) (Radford et al. 2019), norms at one.
 */
export function initialLlamaWeights(config: LlamaConfig, random: Random): Record<string, Float32Array> {
  const residual = DEVIATION / Math.sqrt(2 * config.num_hidden_layers);
  const weights: Record<string, Float32Array> = {};
  for (const [name, shape] of llamaParameterShapes(config)) {
    const values = new Float32Array(elementCount(shape));
    if (shape.length === 1) {
      values.fill(1);
    } else {
      const deviation = /\.(o_proj|down_proj)\.weight$/.test(name) ? residual : DEVIATION;
      for (let k = 0; k < values.length; k++) values[k] = deviation * random.normal();
    }
    weights[name] = values;
  }
  return weights;
}
