import { GraphError } from './errors.js';
import { add } from './ops/elementwise.js';
import { scalar } from './ops/leaf.js';
import { broadcastTo } from './ops/reduce.js';
import { type Tensor, topologicalOrder } from './tensor.js';

/**
 * Reverse-mode differentiation: the gradients of a scalar with respect to each target, as new nodes of the same graph.
 * @throws GraphError `shape_mismatch` if the loss is not a scalar, `not_differentiable` if it does not depend on a target.
 */
export function grad(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) {
    throw new GraphError('shape_mismatch', `grad needs a scalar loss, got shape [${loss.shape}]`);
  }
  const order = topologicalOrder([loss]);
  const onPath = new Set<Tensor>(targets);
  for (const tensor of order) {
    if (tensor.inputs.some((input) => onPath.has(input))) onPath.add(tensor);
  }
  const gradients = new Map<Tensor, Tensor>([[loss, scalar(1)]]);
  for (const tensor of order.reverse()) {
    const outputGradient = gradients.get(tensor);
    if (outputGradient === undefined || !onPath.has(tensor) || tensor.inputs.length === 0) continue;
    const { op, inputs, attributes } = tensor;
    const flows = op.gradient({ inputs, attributes, output: tensor }, outputGradient);
    inputs.forEach((input, index) => {
      const flow = flows[index];
      if (flow === undefined || !onPath.has(input)) return;
      const already = gradients.get(input);
      gradients.set(input, already === undefined ? flow : add(already, flow));
    });
  }
  return targets.map((target, index) => {
    const gradient = gradients.get(target);
    if (gradient === undefined) {
      throw new GraphError(
        'not_differentiable',
        `the loss does not depend on target ${index} of shape [${target.shape}]`,
      );
    }
    return broadcastTo(gradient, target.shape);
  });
}
