import { GraphError } from './errors.js';
import type { OnnxEmitter } from './onnx/emitter.js';
import { assertValidShape, type Shape } from './shape.js';

/** Element types. Indices are int32; everything that is differentiated is float32. */
export type DType = 'float32' | 'int32';

/** Shape and element type of a tensor. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A value of the float64 reference evaluator, row-major. Indices are held as whole numbers. */
export interface ReferenceValue {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/**
 * One kind of operation: what it needs to know about itself and nothing else. A graph is made of such records applied
 * to tensors; there is no tape and no global state.
 */
export interface OpRecord<Attributes> {
  readonly name: string;
  /** Shape rule: the type of the result, or a {@link GraphError} that names the offending shapes. */
  infer(inputs: readonly Tensor[], attributes: Attributes): TensorType;
  /**
   * Gradient rule: for each input the gradient of the loss, given the gradient at the output, as new nodes.
   * `undefined` means that nothing flows to that input. Only called for float32 results.
   */
  gradient(call: OpCall<Attributes>, outputGradient: Tensor): readonly (Tensor | undefined)[];
  /** ONNX lowering: emits nodes and returns the name of the result. */
  lower(call: OpCall<Attributes>, inputs: readonly string[], onnx: OnnxEmitter): string;
  /** Float64 reference used as the oracle of the tests. Slow and plain on purpose. */
  evaluate(call: OpCall<Attributes>, inputs: readonly ReferenceValue[]): Float64Array;
}

/** A record applied to inputs. */
export interface OpCall<Attributes> {
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly output: Tensor;
}

/** A node of a graph: the (single) result of an operation. Immutable; identity is what makes two uses the same value. */
export interface Tensor extends TensorType {
  readonly op: OpRecord<unknown>;
  readonly inputs: readonly Tensor[];
  readonly attributes: unknown;
}

/** Applies a record. Library users call the functions in `ops/`, which wrap this. */
export function apply<Attributes>(
  op: OpRecord<Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): Tensor {
  const type = op.infer(inputs, attributes);
  assertValidShape(type.shape, `result of ${op.name}`);
  return Object.freeze({
    op: op as OpRecord<unknown>,
    inputs,
    attributes,
    shape: type.shape,
    dtype: type.dtype,
  });
}

/** The n-th input of a call; the arity of a record is fixed, so a missing one is a bug of the record. */
export function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new GraphError('invalid_attribute', `operand ${index} is missing`);
  return value;
}

/** Throws `dtype_mismatch` unless the tensor holds the wanted element type. */
export function requireDtype(tensor: Tensor, dtype: DType, opName: string): void {
  if (tensor.dtype !== dtype) {
    throw new GraphError(
      'dtype_mismatch',
      `${opName} needs ${dtype}, got ${tensor.dtype} of shape [${tensor.shape}]`,
    );
  }
}

/** All tensors the given ones depend on, themselves included, inputs before users. Iterative: graphs are deep. */
export function topologicalOrder(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const done = new Set<Tensor>();
  const stack = outputs.map((tensor) => ({ tensor, nextInput: 0 })).reverse();
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (top === undefined) break;
    const input = done.has(top.tensor) ? undefined : top.tensor.inputs[top.nextInput];
    if (input !== undefined) {
      top.nextInput++;
      if (!done.has(input)) stack.push({ tensor: input, nextInput: 0 });
      continue;
    }
    stack.pop();
    if (!done.has(top.tensor)) {
      done.add(top.tensor);
      order.push(top.tensor);
    }
  }
  return order;
}
