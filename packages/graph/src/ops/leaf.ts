import { GraphError } from '../errors.js';
import { assertValidShape, elementCount, type Shape } from '../shape.js';
import { apply, type DType, type OpRecord, type Tensor } from '../tensor.js';

interface NamedLeaf {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

function namedLeaf(kind: 'input' | 'parameter'): OpRecord<NamedLeaf> {
  const fedFromOutside = (): never => {
    throw new GraphError('missing_feed', `${kind} is fed from outside and has no rule of its own`);
  };
  return {
    name: kind,
    infer: (_inputs, attributes) => {
      assertValidShape(attributes.shape, `${kind} ${attributes.name}`);
      return { shape: attributes.shape, dtype: attributes.dtype };
    },
    gradient: () => [],
    lower: fedFromOutside,
    evaluate: fedFromOutside,
  };
}

const inputRecord = namedLeaf('input');
const parameterRecord = namedLeaf('parameter');

interface ConstantAttributes {
  readonly data: Float32Array | Int32Array;
  readonly shape: Shape;
}

const constantRecord: OpRecord<ConstantAttributes> = {
  name: 'constant',
  infer: (_inputs, { data, shape }) => {
    if (data.length !== elementCount(shape)) {
      throw new GraphError('shape_mismatch', `constant has ${data.length} elements, its shape is [${shape}]`);
    }
    return { shape, dtype: data instanceof Float32Array ? 'float32' : 'int32' };
  },
  gradient: () => [],
  lower: ({ attributes }, _inputs, onnx) => onnx.constant(attributes.data, attributes.shape),
  evaluate: ({ attributes }) => Float64Array.from(attributes.data),
};

/** A value fed at every run. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  return apply(inputRecord, [], { name, shape, dtype });
}

/** A trainable float32 value: fed like an input, but owned by the trainer and a legal target of `grad`. */
export function parameter(name: string, shape: Shape): Tensor {
  return apply(parameterRecord, [], { name, shape, dtype: 'float32' });
}

/** A value that is part of the graph. The array is not copied: do not change it afterwards. */
export function constant(data: Float32Array | Int32Array, shape: Shape): Tensor {
  return apply(constantRecord, [], { data, shape });
}

/** A float32 scalar. */
export function scalar(value: number): Tensor {
  return constant(Float32Array.of(value), []);
}

/** The name of an input or parameter; `undefined` for any other tensor. */
export function leafName(tensor: Tensor): string | undefined {
  const isNamed = (tensor.op as unknown) === inputRecord || (tensor.op as unknown) === parameterRecord;
  return isNamed ? (tensor.attributes as NamedLeaf).name : undefined;
}

export function isParameter(tensor: Tensor): boolean {
  return (tensor.op as unknown) === parameterRecord;
}
