import { GraphError } from '../errors.js';
import { isParameter, leafName } from '../ops/leaf.js';
import type { TensorData } from '../runtime/protocol.js';
import { elementCount } from '../shape.js';
import { type DType, type Tensor, topologicalOrder } from '../tensor.js';
import type { OnnxAttribute, OnnxEmitter } from './emitter.js';
import { ProtoWriter } from './proto.js';

/** ONNX operator set of every exported model. */
export const OPSET = 20;
const IR_VERSION = 9;
/** Domain of the operators that ONNX Runtime adds to ONNX. */
const RUNTIME_DOMAIN = 'com.microsoft';

const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, float16: 10, bfloat16: 16 } as const;
const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** What an exported model is fed with and returns. */
export interface ModelSignature {
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: DType;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: DType;
  }[];
}

/** A serialised ONNX model. */
export interface OnnxModel extends ModelSignature {
  readonly bytes: Uint8Array;
  /** Bytes of the parameters that lie in files; none by default. */
  readonly externalBytes?: number;
}

/** Where the value of a parameter lies in a file, row-major and little-endian. */
export interface ExternalTensor {
  /** File name inside the folder that {@link ModelFiles} gives when the model is loaded; no path. */
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Halves become float32 when the model is loaded. */
  readonly dtype: 'float32' | 'float16' | 'bfloat16';
}

export interface ExportOptions {
  /**
   * Values of parameters (or inputs) by name that become part of the model instead of being fed. ONNX Runtime then
   * arranges weights once for its kernels: convolutions run a quarter to a third faster. Names of other models are
   * ignored, so one record serves several.
   */
  readonly weights?: Readonly<Record<string, TensorData>>;
  /** Parameters that are read from files when the model is loaded instead of being fed. */
  readonly external?: ReadonlyMap<string, ExternalTensor>;
}

/** A protocol buffer cannot be larger. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Lowers everything the outputs depend on to one ONNX model. Inputs and parameters become graph inputs under their
 * own names, in the order in which they are reached, unless the options hold them.
 * @throws GraphError `invalid_attribute` if two leaves or outputs share a name or the model exceeds 2 GiB,
 * `invalid_feed` if a weight does not have as many values as its parameter, `shape_mismatch` if its bytes in a file do
 * not fill it.
 */
export function exportOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  { weights = {}, external }: ExportOptions = {},
): OnnxModel {
  const builder = new ModelBuilder();
  const names = new Map<Tensor, string>();
  const inputs: ModelSignature['inputs'][number][] = [];
  const leaves = new Set<string>();
  let externalBytes = 0;
  for (const tensor of topologicalOrder(Object.values(outputs))) {
    const name = leafName(tensor);
    if (name !== undefined) {
      if (leaves.has(name)) {
        throw new GraphError('invalid_attribute', `two inputs or parameters are named "${name}"`);
      }
      leaves.add(name);
      const inFile = isParameter(tensor) ? external?.get(name) : undefined;
      if (inFile !== undefined) {
        names.set(tensor, builder.external(name, tensor.shape, inFile));
        externalBytes += inFile.sizeBytes;
        continue;
      }
      const weight = weights[name];
      if (weight !== undefined) {
        names.set(tensor, builder.constant(checkedWeight(name, tensor, weight), tensor.shape));
        continue;
      }
      inputs.push({ name, shape: tensor.shape, dtype: tensor.dtype });
      names.set(tensor, name);
      continue;
    }
    const operands = tensor.inputs.map((input) => names.get(input) ?? '');
    const call = { inputs: tensor.inputs, attributes: tensor.attributes, output: tensor };
    builder.startRecord(tensor.op.name);
    names.set(tensor, tensor.op.lower(call, operands, builder));
  }
  const signatures = Object.entries(outputs).map(([name, tensor]) => {
    builder.alias(names.get(tensor) ?? '', name);
    return { name, shape: tensor.shape, dtype: tensor.dtype };
  });
  const bytes = builder.finish(inputs, signatures);
  if (bytes.length > MOST_BYTES) {
    throw new GraphError('invalid_attribute', `the model has ${bytes.length} bytes, more than ONNX allows`);
  }
  return { bytes, externalBytes, inputs, outputs: signatures };
}

function checkedWeight(name: string, { shape, dtype }: Tensor, weight: TensorData): TensorData {
  const fits = dtype === 'int32' ? weight instanceof Int32Array : weight instanceof Float32Array;
  if (!fits || weight.length !== elementCount(shape)) {
    throw new GraphError(
      'invalid_feed',
      `weight "${name}" must be ${elementCount(shape)} values of ${dtype}`,
    );
  }
  return weight;
}

class ModelBuilder implements OnnxEmitter {
  private readonly graph = new ProtoWriter();
  private readonly shared = new Map<string, string>();
  private readonly multiple = new Map<string, readonly string[]>();
  private usesRuntimeOperators = false;
  private count = 0;
  private record = '';

  /** Says which record lowers itself from now on. */
  startRecord(name: string): void {
    this.record = name;
  }

  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    const output = this.freshName(opType);
    this.writeNode(opType, inputs, [output], attributes);
    return output;
  }

  nodes(
    opType: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): readonly string[] {
    const key = `${opType} ${inputs} ${outputCount} ${JSON.stringify(attributes)}`;
    const existing = this.multiple.get(key);
    if (existing !== undefined) return existing;
    const outputs = Array.from({ length: outputCount }, () => this.freshName(opType));
    this.writeNode(opType, inputs, outputs, attributes);
    this.multiple.set(key, outputs);
    return outputs;
  }

  int64s(values: readonly number[]): string {
    return this.once(`int64s ${values}`, () =>
      this.initializer(BigInt64Array.from(values, BigInt), [values.length], ELEMENT_TYPE.int64),
    );
  }

  float(value: number): string {
    return this.once(`float ${value}`, () => this.constant(Float32Array.of(value), []));
  }

  filled(value: number, length: number): string {
    return this.once(`filled ${value} ${length}`, () =>
      this.constant(new Float32Array(length).fill(value), [length]),
    );
  }

  constant(data: Float32Array | Int32Array, shape: readonly number[]): string {
    return this.initializer(
      data,
      shape,
      data instanceof Float32Array ? ELEMENT_TYPE.float32 : ELEMENT_TYPE.int32,
    );
  }

  /** A float32 value whose bytes stay in a file. */
  external(
    name: string,
    shape: readonly number[],
    { file, offset, sizeBytes, dtype }: ExternalTensor,
  ): string {
    const elementBytes = dtype === 'float32' ? 4 : 2;
    if (sizeBytes !== elementCount(shape) * elementBytes) {
      throw new GraphError(
        'shape_mismatch',
        `"${name}" of shape [${shape}] needs ${elementCount(shape) * elementBytes} bytes of ${dtype}, got ${sizeBytes}`,
      );
    }
    const initializer = `weight:${name}`; // an output may be called as a weight is
    const tensor = new ProtoWriter();
    for (const extent of shape) tensor.int(1, extent);
    tensor.int(2, ELEMENT_TYPE[dtype]).string(8, initializer);
    for (const [key, value] of Object.entries({ location: file, offset, length: sizeBytes })) {
      tensor.message(13, new ProtoWriter().string(1, key).string(2, String(value)));
    }
    this.graph.message(5, tensor.int(14, EXTERNAL));
    if (dtype === 'float32') return initializer;
    return this.node('Cast', [initializer], { to: { kind: 'int', value: ELEMENT_TYPE.float32 } });
  }

  /** Gives a value its public output name. */
  alias(from: string, to: string): void {
    this.writeNode('Identity', [from], [to], {});
  }

  finish(inputs: ModelSignature['inputs'], outputs: ModelSignature['outputs']): Uint8Array {
    this.graph.string(2, 'graph');
    for (const value of inputs) this.graph.message(11, valueInfo(value));
    for (const value of outputs) this.graph.message(12, valueInfo(value));
    const model = new ProtoWriter()
      .int(1, IR_VERSION)
      .string(2, 'triptych')
      .message(7, this.graph)
      .message(8, new ProtoWriter().string(1, '').int(2, OPSET));
    if (this.usesRuntimeOperators) {
      model.message(8, new ProtoWriter().string(1, RUNTIME_DOMAIN).int(2, 1));
    }
    return model.finish();
  }

  private writeNode(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
  ): void {
    const node = new ProtoWriter();
    for (const input of inputs) node.string(1, input);
    for (const output of outputs) node.string(2, output);
    const isRuntimeOperator = opType.startsWith(`${RUNTIME_DOMAIN}.`);
    // Profiles of ONNX Runtime name nodes; this way they can be told apart by record.
    node.string(3, `${this.record}/${outputs[0]}`);
    node.string(4, isRuntimeOperator ? opType.slice(RUNTIME_DOMAIN.length + 1) : opType);
    for (const [name, attribute] of Object.entries(attributes))
      node.message(5, encodeAttribute(name, attribute));
    if (isRuntimeOperator) {
      this.usesRuntimeOperators = true;
      node.string(7, RUNTIME_DOMAIN);
    }
    this.graph.message(1, node);
  }

  private initializer(
    data: Float32Array | Int32Array | BigInt64Array,
    shape: readonly number[],
    elementType: number,
  ): string {
    const name = this.freshName('constant');
    const tensor = new ProtoWriter();
    for (const extent of shape) tensor.int(1, extent);
    tensor.int(2, elementType).string(8, name);
    tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.graph.message(5, tensor);
    return name;
  }

  private once(key: string, make: () => string): string {
    const existing = this.shared.get(key);
    if (existing !== undefined) return existing;
    const name = make();
    this.shared.set(key, name);
    return name;
  }

  private freshName(stem: string): string {
    return `${stem}#${this.count++}`;
  }
}

function encodeAttribute(name: string, attribute: OnnxAttribute): ProtoWriter {
  const proto = new ProtoWriter().string(1, name);
  switch (attribute.kind) {
    case 'float':
      proto.float(2, attribute.value);
      break;
    case 'int':
      proto.int(3, attribute.value);
      break;
    case 'string':
      proto.string(4, attribute.value);
      break;
    case 'ints':
      for (const value of attribute.value) proto.int(8, value);
      break;
  }
  return proto.int(20, ATTRIBUTE_TYPE[attribute.kind]);
}

function valueInfo({ name, shape, dtype }: ModelSignature['inputs'][number]): ProtoWriter {
  const dimensions = new ProtoWriter();
  for (const extent of shape) dimensions.message(1, new ProtoWriter().int(1, extent));
  const tensorType = new ProtoWriter().int(1, ELEMENT_TYPE[dtype]).message(2, dimensions);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensorType));
}
