import { GraphError } from './errors.js';
import { leafName } from './ops/leaf.js';
import { elementCount } from './shape.js';
import { type ReferenceValue, type Tensor, topologicalOrder } from './tensor.js';

/**
 * Evaluates tensors in float64 with the plain rules of the records: the oracle that gradients and the ONNX lowering are
 * tested against. Slow; meant for small shapes.
 * @param feeds values of the inputs and parameters by name, row-major.
 */
export function evaluateReference(
  outputs: readonly Tensor[],
  feeds: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array[] {
  const values = new Map<Tensor, ReferenceValue>();
  const requireValue = (tensor: Tensor): ReferenceValue => {
    const value = values.get(tensor);
    if (value === undefined) throw new GraphError('missing_feed', 'a value was used before it was computed');
    return value;
  };
  for (const tensor of topologicalOrder(outputs)) {
    const { op, inputs, attributes, shape } = tensor;
    const name = leafName(tensor);
    const data =
      name === undefined
        ? op.evaluate({ inputs, attributes, output: tensor }, inputs.map(requireValue))
        : feedFor(name, tensor, feeds);
    values.set(tensor, { shape, data });
  }
  return outputs.map((tensor) => requireValue(tensor).data);
}

function feedFor(
  name: string,
  tensor: Tensor,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array {
  const feed = feeds[name];
  if (feed === undefined) throw new GraphError('missing_feed', `no value was given for "${name}"`);
  if (feed.length !== elementCount(tensor.shape)) {
    throw new GraphError(
      'invalid_feed',
      `"${name}" has ${feed.length} values, its shape is [${tensor.shape}]`,
    );
  }
  return Float64Array.from(feed);
}
