/**
 * @module
 * Networks as flat lists of operations over channel-major matrices, with weights read in place from their files. What
 * `@triptych/graph` lowers an inference graph to; nothing here knows of graphs.
 */
import { loadAddon } from './addon.js';
import type { IsaName } from './program.js';

declare const networkBrand: unique symbol;

/** A network inside the addon, with its memory and threads. */
export interface NetworkHandle {
  readonly [networkBrand]: true;
}

/**
 * A matrix in the arena: [offset in floats, rows, columns, stride in floats]. One row per channel, one column per pixel
 * or token, the images of a batch side by side. The stride is a multiple of 16 and at least the columns.
 */
export type MatrixPlace = Float64Array;

/** Where a weight lies: `rows` x `k` numbers, row-major; a vector has one row. */
export interface NetworkTensor {
  /** Index of the file. */
  readonly file: number;
  /** Bytes from the start of the file, of any alignment. */
  readonly offset: number;
  /** ggml type id: 0 F32, 1 F16, 30 BF16. */
  readonly ggmlType: number;
  readonly rows: number;
  readonly k: number;
}

export type NetworkActivation = 'none' | 'swish' | 'gelu' | 'cos' | 'sin';

/** One operation. Matrices written must not overlap those read, unless it is element by element. */
export type NetworkOp =
  /** out = array `index`, [batch, rows, columns / batch], or by tokens [columns, rows]. */
  | {
      readonly op: 'input';
      readonly index: number;
      readonly out: MatrixPlace;
      readonly batch: number;
      readonly byTokens: boolean;
    }
  | {
      readonly op: 'output';
      readonly index: number;
      readonly x: MatrixPlace;
      readonly batch: number;
      readonly byTokens: boolean;
    }
  /** out = weight * x + bias + shift (per image) + residual; x through a window if it is a convolution. */
  | {
      readonly op: 'product';
      readonly x: MatrixPlace;
      readonly weight: number;
      readonly bias?: number;
      /** [rows, batch] */
      readonly shift?: MatrixPlace;
      readonly residual?: MatrixPlace;
      readonly out: MatrixPlace;
      readonly batch: number;
      /**
       * in height, in width (after enlarging), out height, out width, stride y, x, padding top, left, kernel height,
       * width, enlarging factor.
       */
      readonly window?: Int32Array;
    }
  | {
      readonly op: 'groupNorm';
      readonly x: MatrixPlace;
      readonly weight: number;
      readonly bias: number;
      readonly groups: number;
      readonly epsilon: number;
      /** `swish`: x * sigmoid(x) follows. */
      readonly activation: 'none' | 'swish';
      readonly out: MatrixPlace;
      readonly batch: number;
    }
  | {
      readonly op: 'layerNorm';
      readonly x: MatrixPlace;
      readonly weight: number;
      readonly bias: number;
      readonly epsilon: number;
      readonly out: MatrixPlace;
    }
  | {
      readonly op: 'activate';
      readonly x: MatrixPlace;
      readonly activation: NetworkActivation;
      /** Slope of swish, x * sigmoid(slope x). */
      readonly factor: number;
      readonly out: MatrixPlace;
    }
  /** x: values above gates. */
  | { readonly op: 'geglu'; readonly x: MatrixPlace; readonly out: MatrixPlace }
  | { readonly op: 'add'; readonly x: MatrixPlace; readonly y: MatrixPlace; readonly out: MatrixPlace }
  /** out[r][c] = constant[r] * x[0][c]; `weight` is the constant's index. */
  | { readonly op: 'outer'; readonly x: MatrixPlace; readonly weight: number; readonly out: MatrixPlace }
  | { readonly op: 'copy'; readonly x: MatrixPlace; readonly out: MatrixPlace }
  /** softmax(factor q k) v; x queries, y keys. */
  | {
      readonly op: 'attention';
      readonly x: MatrixPlace;
      readonly y: MatrixPlace;
      readonly values: MatrixPlace;
      readonly heads: number;
      readonly factor: number;
      readonly out: MatrixPlace;
      readonly batch: number;
    };

export interface NetworkSpec {
  /** Mapped read-only; must not change while the network is open. */
  readonly files: readonly { readonly path: string }[];
  readonly tensors: readonly NetworkTensor[];
  readonly constants: readonly { readonly values: Float32Array }[];
  readonly ops: readonly NetworkOp[];
  readonly arenaFloats: number;
  /** Lengths of the arrays of a run. */
  readonly inputSizes: Float64Array;
  readonly outputSizes: Float64Array;
  readonly threads: number;
  readonly isa: IsaName;
}

/** What the addon's network area exports. */
export interface NetworkAddon {
  createNetwork(spec: NetworkSpec): NetworkHandle;
  runNetwork(network: NetworkHandle, inputs: readonly Float32Array[], outputs: readonly Float32Array[]): void;
  closeNetwork(network: NetworkHandle): void;
}

/** A network ready to run. For worker threads: a run holds up the thread that calls it. */
export class Network {
  readonly #handle: NetworkHandle;
  readonly #outputSizes: Float64Array;

  /** Throws a TypeError that names what does not fit, or the file that cannot be mapped. */
  constructor(spec: NetworkSpec) {
    this.#handle = loadAddon().createNetwork(spec);
    this.#outputSizes = spec.outputSizes;
  }

  /** One run on all threads; the arrays are those of `inputSizes`. Throws a TypeError after `close`. */
  run(inputs: readonly Float32Array[]): Float32Array[] {
    const outputs = Array.from(this.#outputSizes, (size) => new Float32Array(size));
    loadAddon().runNetwork(this.#handle, inputs, outputs);
    return outputs;
  }

  /** Frees memory and threads and unmaps the files. Idempotent. */
  close(): void {
    loadAddon().closeNetwork(this.#handle);
  }
}
