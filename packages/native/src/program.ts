/**
 * @module
 * Typed binding of model programs: weights loaded from a checkpoint file, a flat tape of operations over
 * preallocated buffers, and one call per step that runs the tape on the program's own threads.
 * What the operations compute is defined by the C++ kernels; which of them make a model is `llm`'s business.
 */
import { loadAddon } from './addon.js';
import type { ArenaHandle } from './pages.js';

declare const weightsBrand: unique symbol;
declare const programBrand: unique symbol;
/** Opaque: loaded weights. Their memory is freed when they are released and no program uses them any more. */
export interface WeightsHandle {
  readonly [weightsBrand]: true;
}
/** Opaque: a model's tape with its buffers and threads. */
export interface ProgramHandle {
  readonly [programBrand]: true;
}

/** Instruction sets that kernels exist for, from slow to fast. */
export const isaNames = ['portable', 'avx2', 'avxvnni', 'avx512', 'avx512bf16', 'amx'] as const;
export type IsaName = (typeof isaNames)[number];

/** Where a tensor lies in the checkpoint file. */
export interface TensorSource {
  readonly name: string;
  /** ggml type id: 0 F32, 1 F16, 2 Q4_0, 8 Q8_0, 30 BF16. */
  readonly ggmlType: number;
  /** Rows; 1 for a vector. */
  readonly n: number;
  /** Columns (ne[0]). */
  readonly k: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Kept as float32 [k] instead of being repacked for the linear kernels. */
  readonly vector: boolean;
}

/** Buffers are [rows, columns] float32; rows are the step's tokens or the step's outputs. */
export interface BufferSpec {
  readonly columns: number;
  readonly rows: 'tokens' | 'outputs';
}

/** One operation of the tape. Buffers and weights are given by index. */
export type ProgramOp =
  | { readonly op: 'embed'; readonly weight: number; readonly out: number }
  | {
      readonly op: 'rmsNorm';
      readonly x: number;
      readonly weight: number;
      readonly out: number;
      /** Added to x first (the residual). */
      readonly add?: number;
    }
  | {
      readonly op: 'linear';
      readonly x: number;
      readonly parts: readonly { readonly weight: number; readonly out: number }[];
    }
  | { readonly op: 'addBias'; readonly x: number; readonly bias: number }
  | {
      readonly op: 'ropeStore';
      readonly q: number;
      readonly k: number;
      readonly v: number;
      readonly layer: number;
    }
  | { readonly op: 'attention'; readonly q: number; readonly out: number; readonly layer: number }
  | {
      readonly op: 'gate';
      readonly gate: number;
      readonly up: number;
      readonly out: number;
      readonly activation: 'silu' | 'gelu';
    }
  | { readonly op: 'add'; readonly x: number; readonly y: number }
  | { readonly op: 'selectOutputs'; readonly x: number; readonly out: number };

/**
 * Shape of attention and of the KV cache: K of layer n of a slot lies at slot + 2n * tensorBytes, V one tensor later. V is
 * [tokens, kvHeads, headDim]; K is [blocks, kvHeads, headDim, {@link keyBlockTokens}].
 */
export interface AttentionSpec {
  readonly layers: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** 2: f16 cache, 4: f32 cache. */
  readonly elementBytes: 2 | 4;
  /** Bytes of one slot's K (or V) in one layer, S in the paper. */
  readonly tensorBytes: number;
  readonly ropeDimensions: number;
  /** 'norm': pairs (2i, 2i+1), as GGUF's llama; 'neox': pairs (i, i + d/2). */
  readonly ropeStyle: 'norm' | 'neox';
  readonly ropeFrequencyBase: number;
  /** Positions are multiplied by this (linear scaling); 1 when unscaled. */
  readonly ropeFrequencyScale: number;
  /** Weight index of per-pair frequency divisors (`rope_freqs.weight`), [ropeDimensions / 2]. */
  readonly ropeFactors?: number;
}

export interface ProgramSpec {
  readonly buffers: readonly BufferSpec[];
  readonly ops: readonly ProgramOp[];
  /** Buffer that holds the logits, [outputs, vocabulary]. */
  readonly logits: number;
  readonly attention: AttentionSpec;
  readonly rmsEpsilon: number;
  /** Most tokens in a step. */
  readonly maxTokens: number;
  /** Most sequences in a step. */
  readonly maxSequences: number;
  /** Most rows that may ask for logits in a step. */
  readonly maxOutputs: number;
  readonly threads: number;
  readonly isa: IsaName;
}

/** How many numbers describe one output's sampling in `StepBatch.sampling`, in `samplingFields` order. */
export const samplingFields = [
  'temperature',
  'topK',
  'topP',
  'minP',
  'repetitionPenalty',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'position',
  'recentCount',
  'generatedCount',
] as const;

/** One step. All arrays are read during the call only. */
export interface StepBatch {
  /** Token ids of all sequences' rows, one after another: [tokens]. */
  readonly tokens: Int32Array;
  /** Per sequence: byte offset of its slot in the arena, tokens already in the cache, rows in this step: [sequences, 3]. */
  readonly sequences: Float64Array;
  /** Row numbers that need logits, ascending: [outputs]. */
  readonly outputs: Int32Array;
  /** [outputs, samplingFields.length]. */
  readonly sampling: Float64Array;
  /** Per output: recent tokens, then generated tokens, as counted in `sampling`. */
  readonly history: Int32Array;
  /** Copy the logits out. */
  readonly wantLogits?: boolean;
  /** Tests only: the step waits until element 0 of this shared array is not 0. */
  readonly hold?: Int32Array;
}

export interface StepResult {
  /** Sampled token per output. */
  readonly tokens: Int32Array;
  /** Natural logarithm of the sampled token's probability before any sampling filter, per output. */
  readonly logprobs: Float32Array;
  /** [outputs, vocabulary] when asked for. */
  readonly logits?: Float32Array;
  /** Time on the engine thread, milliseconds. */
  readonly elapsedMs: number;
}

/** What the addon's program area exports. */
export interface ProgramAddon {
  loadWeights(
    path: string,
    sources: readonly TensorSource[],
    threads: number,
    onProgress: (loadedBytes: number) => boolean,
  ): Promise<WeightsHandle>;
  weightsBytes(weights: WeightsHandle): number;
  releaseWeights(weights: WeightsHandle): void;
  createProgram(weights: WeightsHandle, arena: ArenaHandle, spec: ProgramSpec): ProgramHandle;
  runProgram(program: ProgramHandle, batch: StepBatch): Promise<StepResult>;
  closeProgram(program: ProgramHandle): void;
}

/** The best instruction set of this machine. */
export function detectIsa(): IsaName {
  return loadAddon().isa;
}

/** Every instruction set this machine runs, from slow to fast. */
export function availableIsas(): readonly IsaName[] {
  return loadAddon().isas;
}

/**
 * How many tokens' keys the kernels keep side by side, so that a vector register holds the same element of all of them. A
 * sequence's memory is used in whole blocks of so many tokens.
 */
export function keyBlockTokens(): number {
  return loadAddon().keyBlockTokens;
}

/**
 * Maps the file, repacks all tensors on `threads` threads and resolves when done. `onProgress` gets loaded source
 * bytes a few times a second. Rejects with the signal's reason when aborted, with what `onProgress` threw if it did, and
 * with an Error naming the tensor when the file does not hold what `sources` says.
 */
export async function loadWeights(
  path: string,
  sources: readonly TensorSource[],
  options: {
    readonly threads: number;
    readonly onProgress?: (loadedBytes: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<WeightsHandle> {
  options.signal?.throwIfAborted();
  let thrown: { readonly cause: unknown } | undefined;
  const isWanted = (loadedBytes: number): boolean => {
    try {
      options.onProgress?.(loadedBytes);
    } catch (cause) {
      thrown ??= { cause };
    }
    return thrown === undefined && options.signal?.aborted !== true;
  };
  let weights: WeightsHandle | undefined;
  try {
    weights = await loadAddon().loadWeights(path, sources, options.threads, isWanted);
  } catch (error) {
    thrown ??= { cause: error };
  }
  // Both may have come with the last report, when all was loaded already.
  if (weights !== undefined && thrown === undefined && options.signal?.aborted !== true) return weights;
  if (weights !== undefined) releaseWeights(weights);
  options.signal?.throwIfAborted();
  throw thrown?.cause;
}

/**
 * Lets go of weights: the handle is of no use any more, and their memory is freed with the last program that runs on
 * them. Without this it stays until the handle is garbage collected, which may be much later. Idempotent.
 */
export function releaseWeights(weights: WeightsHandle): void {
  loadAddon().releaseWeights(weights);
}

/** Bytes the repacked weights take. Throws a TypeError when they have been released. */
export function weightsBytes(weights: WeightsHandle): number {
  return loadAddon().weightsBytes(weights);
}

/** A model ready to run: one step at a time. */
export class Program {
  readonly #handle: ProgramHandle;
  #closed = false;

  /**
   * Throws a TypeError naming the field when the spec does not fit the weights. Tries prefetch distances on large
   * weights first, which holds up the calling thread for about 100 ms.
   */
  constructor(weights: WeightsHandle, arena: ArenaHandle, spec: ProgramSpec) {
    this.#handle = loadAddon().createProgram(weights, arena, spec);
  }

  /**
   * Runs one step off the main thread. Rejects when a batch is malformed (nothing has run then) or a step is
   * already running.
   */
  run(batch: StepBatch): Promise<StepResult> {
    if (this.#closed) return Promise.reject(new Error('the program is closed'));
    return loadAddon().runProgram(this.#handle, batch);
  }

  /** Stops the threads; a running step is waited for. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    loadAddon().closeProgram(this.#handle);
  }
}
