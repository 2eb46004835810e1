/** Attribute of an ONNX node: whole number, list of whole numbers, real number or text. */
export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string };

/** What an operation's lowering may do: add nodes and small int64 constants (axes, shapes, bounds). */
export interface OnnxEmitter {
  /**
   * Adds one node with one output and returns the output's name. An empty input name means an absent optional input.
   * An operator of ONNX Runtime itself is named with its domain, as in `com.microsoft.QuickGelu`.
   */
  node(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): string;
  /** Adds one node with several outputs; a node that was added before with the same arguments is used again. */
  nodes(
    opType: string,
    inputs: readonly string[],
    outputCount: number,
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): readonly string[];
  /** A constant int64 vector, shared between equal ones. */
  int64s(values: readonly number[]): string;
  /** A constant float32 scalar, shared between equal ones. */
  float(value: number): string;
  /** A constant float32 vector of one repeated value, shared between equal ones. */
  filled(value: number, length: number): string;
  /** A constant with data. */
  constant(data: Float32Array | Int32Array, shape: readonly number[]): string;
}

export const int = (value: number): OnnxAttribute => ({ kind: 'int', value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ kind: 'ints', value });
export const float = (value: number): OnnxAttribute => ({ kind: 'float', value });
export const string = (value: string): OnnxAttribute => ({ kind: 'string', value });
