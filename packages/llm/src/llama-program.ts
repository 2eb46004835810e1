/**
 * @module
 * The llama architecture as a flat tape: which tensors are loaded and which operations run over which buffers.
 * Covers SmolLM, TinyLlama and Llama 1-3: RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 */
import type { GgufFile, GgufTensor, LlamaConfig } from '@triptych/checkpoints';
import type { AttentionSpec, BufferSpec, ProgramOp, TensorSource } from '@triptych/native';
import { EngineError } from './errors.js';

/** ggml types the kernels run; the other formats come with a later release. */
const supportedTypes = new Set(['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0']);
/** Weight types that come in blocks: no vectors. */
const quantised = new Set(['Q8_0', 'Q4_0']);
/** What activations are prepared as; parts of one linear operation share it (native's linear_compatible). */
const activations: Readonly<Record<string, string>> = {
  F32: 'f32',
  F16: 'f32',
  BF16: 'bf16',
  Q8_0: 'int8',
  Q4_0: 'int8',
};

/** Everything a program needs that follows from the model alone. */
export interface LlamaTape {
  readonly sources: readonly TensorSource[];
  readonly buffers: readonly BufferSpec[];
  readonly ops: readonly ProgramOp[];
  /** Buffer index of the logits. */
  readonly logits: number;
  readonly attention: Omit<AttentionSpec, 'tensorBytes'>;
  readonly parameters: number;
}

/** Collects tensors by name and hands out their weight index. */
class TensorTable {
  readonly sources: TensorSource[] = [];
  readonly #gguf: GgufFile;
  readonly #index = new Map<string, number>();

  constructor(gguf: GgufFile) {
    this.#gguf = gguf;
  }

  has(name: string): boolean {
    return this.#gguf.tensors.has(name);
  }

  /** Index of a [n, k] matrix. Throws EngineError when it is missing, misshapen or of an unsupported type. */
  matrix(name: string, n: number, k: number): number {
    const tensor = this.#get(name);
    const [columns, rows, ...more] = tensor.dims;
    if (columns !== k || rows !== n || more.some((d) => d !== 1))
      throw this.#misshapen(tensor, `[${k}, ${n}]`);
    return this.#add(tensor, { n, k, vector: false });
  }

  /** Index of a vector of k values. */
  vector(name: string, k: number): number {
    const tensor = this.#get(name);
    if (tensor.dims[0] !== k || tensor.dims.slice(1).some((d) => d !== 1))
      throw this.#misshapen(tensor, `[${k}]`);
    if (quantised.has(tensor.type)) {
      throw new EngineError(
        'unsupported_model',
        `tensor ${name} must be F32, F16 or BF16, it is ${tensor.type}`,
      );
    }
    return this.#add(tensor, { n: 1, k, vector: true });
  }

  activationsOf(weight: number): string | undefined {
    const name = this.sources[weight]?.name;
    return name === undefined ? undefined : activations[this.#get(name).type];
  }

  #get(name: string): GgufTensor {
    const tensor = this.#gguf.tensors.get(name);
    if (tensor === undefined)
      throw new EngineError('unsupported_model', `tensor ${name} is missing: is this a whole llama model?`);
    if (!supportedTypes.has(tensor.type)) {
      const list = [...supportedTypes].join(', ');
      throw new EngineError(
        'unsupported_model',
        `tensor ${name} has type ${tensor.type}; this version runs ${list}`,
      );
    }
    return tensor;
  }

  #misshapen(tensor: GgufTensor, expected: string): EngineError {
    return new EngineError(
      'unsupported_model',
      `tensor ${tensor.name} has shape [${tensor.dims.join(', ')}], expected ${expected}`,
    );
  }

  #add(tensor: GgufTensor, shape: { n: number; k: number; vector: boolean }): number {
    const known = this.#index.get(tensor.name);
    if (known !== undefined) return known;
    const index = this.sources.length;
    this.sources.push({ name: tensor.name, ggmlType: tensor.typeId, offset: tensor.offset, ...shape });
    this.#index.set(tensor.name, index);
    return index;
  }
}

/** Builds the tape. Throws EngineError `unsupported_model` naming the tensor or key that does not fit. */
export function llamaTape(gguf: GgufFile, config: LlamaConfig, elementBytes: 2 | 4): LlamaTape {
  const table = new TensorTable(gguf);
  const scaling = config.ropeScaling;
  if (scaling !== undefined && scaling.type !== 'linear') {
    throw new EngineError(
      'unsupported_model',
      `rope scaling '${scaling.type}' is not supported by this version: none or linear`,
    );
  }
  const {
    embeddingLength: width,
    feedForwardLength: hidden,
    headCount,
    headCountKv,
    headDim,
    vocabSize,
  } = config;
  const queryWidth = headCount * headDim;
  const kvWidth = headCountKv * headDim;

  const buffers: BufferSpec[] = [];
  const buffer = (columns: number, rows: BufferSpec['rows'] = 'tokens'): number =>
    buffers.push({ columns, rows }) - 1;
  const x = buffer(width);
  const normed = buffer(width);
  const branch = buffer(width);
  const [q, k, v] = [buffer(queryWidth), buffer(kvWidth), buffer(kvWidth)];
  const attended = buffer(queryWidth);
  const [gate, up] = [buffer(hidden), buffer(hidden)];
  const output = buffer(width, 'outputs');
  const outputNormed = buffer(width, 'outputs');
  const logits = buffer(vocabSize, 'outputs');

  const ops: ProgramOp[] = [];
  /** One linear operation where all parts take the same kind of activation, else one for each. */
  const linear = (input: number, parts: { weight: number; out: number }[]): void => {
    const shared = new Set(parts.map(({ weight }) => table.activationsOf(weight))).size === 1;
    if (shared) ops.push({ op: 'linear', x: input, parts });
    else for (const part of parts) ops.push({ op: 'linear', x: input, parts: [part] });
  };
  const bias = (name: string, columns: number, out: number): void => {
    if (table.has(name)) ops.push({ op: 'addBias', x: out, bias: table.vector(name, columns) });
  };

  const embedding = table.matrix('token_embd.weight', vocabSize, width);
  ops.push({ op: 'embed', weight: embedding, out: x });
  // Residuals are added by the norm that follows them: one pass over the rows instead of two.
  let residual: number | undefined;
  for (let layer = 0; layer < config.blockCount; layer++) {
    const name = (part: string): string => `blk.${layer}.${part}`;
    ops.push({
      op: 'rmsNorm',
      x,
      weight: table.vector(name('attn_norm.weight'), width),
      out: normed,
      ...(residual === undefined ? {} : { add: residual }),
    });
    linear(normed, [
      { weight: table.matrix(name('attn_q.weight'), queryWidth, width), out: q },
      { weight: table.matrix(name('attn_k.weight'), kvWidth, width), out: k },
      { weight: table.matrix(name('attn_v.weight'), kvWidth, width), out: v },
    ]);
    bias(name('attn_q.bias'), queryWidth, q);
    bias(name('attn_k.bias'), kvWidth, k);
    bias(name('attn_v.bias'), kvWidth, v);
    ops.push({ op: 'ropeStore', q, k, v, layer });
    ops.push({ op: 'attention', q, out: attended, layer });
    linear(attended, [{ weight: table.matrix(name('attn_output.weight'), width, queryWidth), out: branch }]);
    bias(name('attn_output.bias'), width, branch);
    ops.push({
      op: 'rmsNorm',
      x,
      weight: table.vector(name('ffn_norm.weight'), width),
      out: normed,
      add: branch,
    });
    linear(normed, [
      { weight: table.matrix(name('ffn_gate.weight'), hidden, width), out: gate },
      { weight: table.matrix(name('ffn_up.weight'), hidden, width), out: up },
    ]);
    ops.push({ op: 'gate', gate, up, out: gate, activation: 'silu' });
    linear(gate, [{ weight: table.matrix(name('ffn_down.weight'), width, hidden), out: branch }]);
    residual = branch;
  }
  if (residual !== undefined) ops.push({ op: 'add', x, y: residual });
  ops.push({ op: 'selectOutputs', x, out: output });
  ops.push({
    op: 'rmsNorm',
    x: output,
    weight: table.vector('output_norm.weight', width),
    out: outputNormed,
  });
  // Without an output matrix the embedding serves (tied weights).
  const head = table.has('output.weight') ? table.matrix('output.weight', vocabSize, width) : embedding;
  linear(outputNormed, [{ weight: head, out: logits }]);

  const factors = table.has('rope_freqs.weight')
    ? table.vector('rope_freqs.weight', config.ropeDimensionCount / 2)
    : undefined;
  return {
    sources: table.sources,
    buffers,
    ops,
    logits,
    attention: {
      layers: config.blockCount,
      queryHeads: headCount,
      kvHeads: headCountKv,
      headDim,
      elementBytes,
      ropeDimensions: config.ropeDimensionCount,
      ropeStyle: 'norm',
      ropeFrequencyBase: config.ropeFreqBase,
      ropeFrequencyScale: scaling === undefined ? 1 : 1 / scaling.factor,
      ...(factors === undefined ? {} : { ropeFactors: factors }),
    },
    parameters: table.sources.reduce((sum, source) => sum + source.n * source.k, 0),
  };
}
