/**
 * @module
 * The public contract of a text engine: what a caller may ask for and the events that come back.
 * It deliberately holds no logic, so that the server and the CLI can be tested against a double.
 */

/** One message of a chat, in the shape chat templates expect. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'developer' | 'tool';
  readonly content: string;
  readonly name?: string;
}

/** How the next token is chosen. Order: repetition penalty, top-k, top-p, min-p, temperature, draw. */
export interface SamplingOptions {
  /** 0 is greedy. Default 0.8. Range 0..100. */
  readonly temperature?: number;
  /** Keep the k most likely tokens; 0 keeps all. Default 40. */
  readonly topK?: number;
  /** Keep the smallest set with this much probability. 0 keeps only the best. Default 0.95. Range [0, 1]. */
  readonly topP?: number;
  /** Drop tokens less likely than this share of the best one. Default 0.05. Range [0, 1]. */
  readonly minP?: number;
  /** Divide (positive) or multiply (negative) the logits of recent tokens by this. Default 1 (off). */
  readonly repetitionPenalty?: number;
  /** How many recent tokens the repetition penalty looks at. Default 64. */
  readonly repetitionWindow?: number;
  /** Subtracted once from tokens that occur in the generated text. Default 0. Range -2..2. */
  readonly presencePenalty?: number;
  /** Subtracted per occurrence in the generated text. Default 0. Range -2..2. */
  readonly frequencyPenalty?: number;
  /** Same seed, same prompt, same options: same text, whatever else runs. Default: random. 0..2^53-1. */
  readonly seed?: number;
}

/** A request: exactly one of `prompt` (text or token ids) and `messages` (rendered by the chat template). */
export interface GenerateRequest extends SamplingOptions {
  readonly prompt?: string | readonly number[];
  readonly messages?: readonly ChatMessage[];
  /** Most tokens to generate. Default: what is left of the context. */
  readonly maxTokens?: number;
  /** Generation ends before any of these strings; they are not part of the text. At most 16. */
  readonly stop?: readonly string[];
  /** Do not end at the model's end-of-generation token (benchmarks). Default false. */
  readonly ignoreEos?: boolean;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type FinishReason = 'stop' | 'length';

/**
 * `start` once the request is admitted, `text` as it comes, `finish` at the end. Between them the `text` events carry the
 * generated tokens; the last one's text is empty when its tokens have none. Where a stop string ended the text, tokens
 * after the last text are left out. An aborted call throws its
 * signal's reason.
 */
export type GenerateEvent =
  | { readonly type: 'start'; readonly promptTokens: number }
  | { readonly type: 'text'; readonly text: string; readonly tokens: readonly number[] }
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: Usage };

export interface EngineInfo {
  /** Model id as the API shows it: the file's name without `.gguf`. */
  readonly id: string;
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly fileBytes: number;
  /** Most tokens of a sequence here; less than what the model was made for when KV memory holds no more. */
  readonly contextLength: number;
  /** Tokens the model was made for. */
  readonly trainedContextLength: number;
  readonly vocabSize: number;
  readonly hasChatTemplate: boolean;
  /** Instruction set the kernels run with: one of native's `isaNames`. */
  readonly isa: string;
  readonly threads: number;
}

/** What the memory page shows of one slot. */
export interface SlotSnapshot {
  readonly slot: number;
  readonly state: 'active' | 'cached' | 'free';
  /** Tokens whose keys and values must be kept now. */
  readonly tokens: number;
  readonly neededBytes: number;
  readonly committedBytes: number;
}

/** One moment of the KV memory. All sizes in bytes. */
export interface MemorySnapshot {
  readonly backing: 'memfd' | 'anonymous';
  readonly reservedBytes: number;
  readonly slotBytes: number;
  readonly budgetBytes: number;
  readonly pageGroupBytes: number;
  readonly neededBytes: number;
  readonly committedBytes: number;
  /** What the operating system says is held (file blocks). */
  readonly residentBytes: number;
  readonly maxTokens: number;
  readonly bytesPerToken: number;
  readonly slots: readonly SlotSnapshot[];
}

/** Counters and gauges since the engine started; names in the server's metrics follow vLLM's. */
export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  readonly promptTokensTotal: number;
  readonly generatedTokensTotal: number;
  readonly preemptionsTotal: number;
  readonly finishedTotal: Readonly<Record<FinishReason | 'abort' | 'error', number>>;
  readonly stepsTotal: number;
  /** Time native steps took, milliseconds, summed. */
  readonly stepMsTotal: number;
  readonly kvStepMsTotal: number;
}

/** What the server and CLI need of an engine. `TextEngine` implements it. */
export interface TextEngineLike {
  readonly info: EngineInfo;
  /**
   * Generates text. Throws `EngineError` (codes: `prompt_too_long`, `invalid_request`, `no_chat_template`,
   * `overloaded`, `closed`) before the first event when the request cannot be served.
   */
  generate(
    request: GenerateRequest,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<GenerateEvent>;
  /** Token ids of a text as the model's tokenizer gives them. */
  tokenize(text: string): readonly number[];
  stats(): EngineStats;
  memory(): MemorySnapshot;
  /** Stops taking requests, lets running ones finish until the deadline, then frees everything. */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}
