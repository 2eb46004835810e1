/**
 * @module
 * From a GGUF file to a model that can run: checks the file, reserves KV memory, repacks the weights, builds the tape.
 */
import {
  type ChatTemplate,
  chatTemplate,
  createTokenizer,
  type GgufFile,
  type LlamaConfig,
  llamaConfig,
  openGguf,
  type Tokenizer,
} from '@triptych/checkpoints';
import {
  availableIsas,
  cpuQuota,
  detectIsa,
  type IsaName,
  keyBlockTokens,
  loadWeights,
  Program,
  type ProgramSpec,
  releaseWeights,
  type TensorSource,
} from '@triptych/native';
import { bytesFor, defaultKvBudgetBytes, KvMemory, kvGeometry } from '@triptych/vattention';
import { type Admission, admissions } from './admission.js';
import { EngineError } from './errors.js';
import { llamaTape } from './llama-program.js';

export interface LoadProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** How a model is loaded. All optional. */
export interface TextEngineOptions {
  /** Threads of a step. Default: the container's CPU quota. */
  readonly threads?: number;
  /** Most bytes of KV memory. Default: `defaultKvBudgetBytes()`, half of what the container or machine has free. */
  readonly kvMemoryBytes?: number;
  /** Most tokens of a sequence. Default: what the model was made for. */
  readonly contextLength?: number;
  /** Most sequences that run at once. Default 64. Costs address space, not memory. */
  readonly maxSequences?: number;
  /** Most tokens in a step: larger is faster prefill, smaller is steadier decoding beside it. Default 512. */
  readonly tokenBudget?: number;
  /** What a waiting request's memory is judged by, see {@link Admission}. Default 'known'. */
  readonly admission?: Admission;
  /** Requests that may wait before new ones are refused. Default 1024. */
  readonly maxWaiting?: number;
  /** Element type of the KV cache. Default 'f16'. */
  readonly kvType?: 'f16' | 'f32';
  /** Bytes of a page group, 4 KiB to 2 MiB. Default 4 KiB, or the system's page if that is larger. */
  readonly pageGroupBytes?: number;
  /** Tokens for which a running sequence's memory is prepared ahead, in the background. Default as in `KvMemory`. */
  readonly lookAheadTokens?: number;
  /** Memory of a finished sequence stays with its idle slot until it is needed or the engine is idle. Default true. */
  readonly deferredReclaim?: boolean;
  /**
   * How long the last running request waits while the system refuses memory that the budget allows, before it fails
   * with `out_of_memory`. Default: as long as it takes.
   */
  readonly memoryPatienceMs?: number;
  /** Force an instruction set. Default: the best there is. */
  readonly isa?: IsaName;
  /** 'anonymous' forces the portable fallback of KV memory. */
  readonly kvBacking?: 'memfd' | 'anonymous';
  /** Debug: memory beyond each sequence's length (of keys: its last block) is inaccessible. */
  readonly guard?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

/** Everything the engine's loop works with. */
export interface LoadedModel {
  readonly gguf: GgufFile;
  readonly config: LlamaConfig;
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
  /** Why the file's template is left out, if it has one that cannot be read. */
  readonly templateProblem: string | undefined;
  readonly kv: KvMemory;
  readonly program: Program;
  readonly contextLength: number;
  /** The context the model was made for, tokens. */
  readonly trainedLength: number;
  readonly maxSequences: number;
  readonly tokenBudget: number;
  readonly admission: Admission;
  readonly threads: number;
  readonly isa: IsaName;
  readonly parameters: number;
  /** A text with more UTF-16 units than this cannot fit the context, whatever it says: no need to tokenize it. */
  readonly longestPrompt: number;
}

/** Checks an option. Throws EngineError `invalid_request` naming it. */
export function whole(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new EngineError(
      'invalid_request',
      `${name} must be a whole number from ${min} to ${max}, got ${value}`,
      { field: name },
    );
  }
  return value;
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) {
    const message = `${name} must be one of ${allowed.join(', ')} here, got ${value}`;
    throw new EngineError('invalid_request', message, { field: name });
  }
  return value;
}

/**
 * Loads a model. Throws CheckpointError for a broken file, EngineError `unsupported_model` for one this version
 * cannot run, `out_of_memory` when KV memory holds not even a short sequence, and the signal's reason when aborted.
 */
export async function loadModel(path: string, options: TextEngineOptions = {}): Promise<LoadedModel> {
  const threads = whole('threads', options.threads ?? cpuQuota(), 1, 1024);
  const maxSequences = whole('maxSequences', options.maxSequences ?? 64, 1, 4096);
  const tokenBudget = whole('tokenBudget', options.tokenBudget ?? 512, 1, 65_536);
  const { pageGroupBytes, lookAheadTokens, deferredReclaim } = options;
  const elementBytes = oneOf('kvType', options.kvType ?? 'f16', ['f16', 'f32']) === 'f32' ? 4 : 2;
  const isa = oneOf('isa', options.isa ?? detectIsa(), availableIsas());
  const admission = oneOf('admission', options.admission ?? 'known', admissions);
  options.signal?.throwIfAborted();

  const gguf = await openGguf(path);
  const config = llamaConfig(gguf);
  const tokenizer = createTokenizer(gguf.metadata);
  if (tokenizer.vocabSize !== config.vocabSize) {
    throw new EngineError(
      'unsupported_model',
      `the tokenizer has ${tokenizer.vocabSize} tokens, the embedding ${config.vocabSize}`,
    );
  }
  const { template, templateProblem } = usableTemplate(gguf);
  const tape = llamaTape(gguf, config, elementBytes);
  const budgetBytes = whole(
    'kvMemoryBytes',
    options.kvMemoryBytes ?? defaultKvBudgetBytes(),
    1,
    Number.MAX_SAFE_INTEGER,
  );
  // Positions beyond those a model was trained for give nonsense, so they are refused and not warned about.
  const wanted = whole(
    'contextLength',
    options.contextLength ?? config.contextLength,
    1,
    config.contextLength,
  );
  const shape = {
    layers: config.blockCount,
    kvHeads: config.headCountKv,
    headDim: config.headDim,
    elementBytes,
    slots: maxSequences,
    blockTokens: keyBlockTokens(),
    ...(pageGroupBytes === undefined ? {} : { pageGroupBytes }),
  };
  const contextLength = fittingContext(wanted, budgetBytes, (maxTokens) =>
    bytesFor(kvGeometry({ ...shape, maxTokens }), maxTokens),
  );

  const kv = KvMemory.open({
    geometry: { ...shape, maxTokens: contextLength },
    budgetBytes,
    ...(lookAheadTokens === undefined ? {} : { lookAheadTokens }),
    ...(deferredReclaim === undefined ? {} : { deferredReclaim }),
    ...(options.kvBacking === undefined ? {} : { backing: options.kvBacking }),
    ...(options.guard === undefined ? {} : { guard: options.guard }),
  });
  try {
    const totalBytes = [...gguf.tensors.values()].reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
    const onProgress = (loadedBytes: number): void => options.onProgress?.({ loadedBytes, totalBytes });
    const program = await loadProgram(
      gguf.path,
      tape.sources,
      kv,
      { ...options, threads, onProgress },
      {
        buffers: tape.buffers,
        ops: tape.ops,
        logits: tape.logits,
        attention: { ...tape.attention, tensorBytes: kv.tensorBytes },
        rmsEpsilon: config.rmsEpsilon,
        maxTokens: tokenBudget,
        maxSequences,
        // Probes ask for the logits of every row of a step.
        maxOutputs: Math.max(tokenBudget, maxSequences),
        threads,
        isa,
      },
    );
    return {
      gguf,
      config,
      tokenizer,
      template,
      templateProblem,
      kv,
      program,
      contextLength,
      trainedLength: config.contextLength,
      maxSequences,
      tokenBudget,
      admission,
      threads,
      isa,
      parameters: tape.parameters,
      longestPrompt: contextLength * longestToken(tokenizer),
    };
  } catch (error) {
    kv.dispose();
    throw error;
  }
}

/** The program alone keeps the weights, so that closing it frees them at once, and nothing is left when it fails. */
async function loadProgram(
  path: string,
  sources: readonly TensorSource[],
  kv: KvMemory,
  { threads, onProgress, signal }: WeightsOptions,
  spec: ProgramSpec,
): Promise<Program> {
  const weights = await loadWeights(path, sources, {
    threads,
    onProgress,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    return new Program(weights, kv.arena, spec);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('unsupported_model', `this version cannot run the model: ${reason}`, { cause });
  } finally {
    releaseWeights(weights);
  }
}

interface WeightsOptions {
  readonly threads: number;
  readonly onProgress: (loadedBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** A template that cannot be read leaves a model that continues text. */
function usableTemplate(gguf: GgufFile): Pick<LoadedModel, 'template' | 'templateProblem'> {
  const template = chatTemplate(gguf.metadata);
  try {
    template?.compile();
    return { template, templateProblem: undefined };
  } catch (cause) {
    return { template: undefined, templateProblem: (cause as Error).message };
  }
}

/** Bytes of the longest token; at least 1. */
function longestToken(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    longest = Math.max(longest, tokenizer.tokenBytes(id, { renderSpecial: true }).length);
  }
  return longest;
}

/** The longest context, at most `wanted`, of which one whole sequence fits the budget: then the oldest always advances. */
function fittingContext(wanted: number, budgetBytes: number, slotBytes: (tokens: number) => number): number {
  if (slotBytes(wanted) <= budgetBytes) return wanted;
  let fits = 0;
  let tooLong = wanted;
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    if (slotBytes(middle) <= budgetBytes) fits = middle;
    else tooLong = middle;
  }
  if (fits < 16) {
    throw new EngineError(
      'out_of_memory',
      `KV memory of ${budgetBytes} bytes holds fewer than 16 tokens of this model: give it more (kvMemoryBytes)`,
      { field: 'kvMemoryBytes' },
    );
  }
  return fits;
}
