/**
 * @module
 * An engine for pictures: replies written beforehand at a steady pace, over KV memory that is real. The memory
 * belongs to the shape of a 1.2B llama with a long context and carries made-up traffic, so its page shows true sizes.
 */

import type {
  EngineInfo,
  EngineStats,
  GenerateEvent,
  GenerateRequest,
  MemorySnapshot,
  TextEngineLike,
} from '@triptych/llm';
import { EngineError } from '@triptych/llm';
import { KvMemory, type SlotId } from '@triptych/vattention';

export interface ScriptedOptions {
  /** What the engine answers, by a word of the last message or of the prompt; the first match counts. */
  readonly replies: readonly (readonly [word: string, reply: string])[];
  readonly tokenDelayMs: number;
  readonly hasChatTemplate?: boolean;
  /** How many other conversations run. */
  readonly traffic?: number;
}

const SLOTS = 16;
const MAX_TOKENS = 131_072;

export class ScriptedEngine implements TextEngineLike {
  readonly info: EngineInfo;
  readonly #options: ScriptedOptions;
  readonly #memory = KvMemory.open({
    geometry: { layers: 16, maxTokens: MAX_TOKENS, kvHeads: 8, headDim: 64, elementBytes: 2, slots: SLOTS },
    budgetBytes: 512 * 2 ** 20,
  });
  readonly #lengths = new Int32Array(SLOTS);
  readonly #traffic = new Map<SlotId, { readonly end: number }>();
  readonly #timer: NodeJS.Timeout;
  #seed = 7;

  constructor(options: ScriptedOptions) {
    this.#options = options;
    this.info = {
      id: 'scripted-1b',
      name: 'Scripted 1B',
      architecture: 'llama',
      parameters: 1_235_814_400,
      fileBytes: 1_313_000_000,
      contextLength: MAX_TOKENS,
      trainedContextLength: MAX_TOKENS,
      vocabSize: 128_256,
      hasChatTemplate: options.hasChatTemplate ?? true,
      isa: 'avx512',
      threads: 2,
    };
    for (let other = 0; other < (options.traffic ?? 0); other++) this.#arrive();
    this.#timer = setInterval(() => this.#tick(), 60);
  }

  async *generate(
    request: GenerateRequest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<GenerateEvent> {
    const asked =
      typeof request.prompt === 'string' ? request.prompt : (request.messages?.at(-1)?.content ?? '');
    const reply = this.#options.replies.find(([word]) => asked.includes(word))?.[1];
    if (reply === undefined) {
      throw new EngineError(
        'overloaded',
        'All 16 slots are busy and 64 requests wait already. Try again in a moment.',
      );
    }
    const promptTokens = this.tokenize(JSON.stringify(request.messages ?? asked)).length;
    const slot = this.#memory.acquire(promptTokens);
    if (slot !== undefined) this.#lengths[slot] = promptTokens;
    try {
      yield { type: 'start', promptTokens };
      const pieces = this.#pieces(reply);
      for (const text of pieces) {
        await new Promise((resolve) => setTimeout(resolve, this.#options.tokenDelayMs));
        signal?.throwIfAborted();
        if (slot !== undefined) this.#lengths[slot]!++;
        yield { type: 'text', text, tokens: [0] };
      }
      yield { type: 'finish', reason: 'stop', usage: { promptTokens, completionTokens: pieces.length } };
    } finally {
      if (slot !== undefined) this.#leave(slot);
    }
  }

  tokenize(text: string): readonly number[] {
    return this.#pieces(text).map(() => 0);
  }

  stats(): EngineStats {
    const none = { stop: 0, length: 0, abort: 0, error: 0 };
    return {
      running: this.#traffic.size,
      waiting: 0,
      promptTokensTotal: 0,
      generatedTokensTotal: 0,
      preemptionsTotal: 0,
      finishedTotal: none,
      stepsTotal: 0,
      stepMsTotal: 0,
      kvStepMsTotal: 0,
    };
  }

  memory(): MemorySnapshot {
    return this.#memory.snapshot();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#memory[Symbol.dispose]();
  }

  /** Words and parts of words, as a tokenizer cuts them, roughly. */
  #pieces(text: string): string[] {
    return text.match(/\s*[\p{L}\p{N}]{1,7}|[\s\S]/gu) ?? [];
  }

  #arrive(): void {
    const length = Math.floor(120 * 20 ** this.#random());
    const slot = this.#memory.acquire(length);
    if (slot === undefined) return;
    this.#traffic.set(slot, { end: length + Math.floor(400 * this.#random()) });
    this.#lengths[slot] = length;
  }

  #leave(slot: SlotId): void {
    this.#lengths[slot] = 0;
    this.#memory.release(slot);
  }

  #tick(): void {
    for (const [slot, { end }] of this.#traffic) {
      this.#lengths[slot]!++;
      if (this.#lengths[slot]! < end) continue;
      this.#leave(slot);
      this.#traffic.delete(slot);
    }
    if (this.#traffic.size < (this.#options.traffic ?? 0) && this.#random() < 0.03) this.#arrive();
    if (this.#memory.step(this.#lengths).deficitBytes > 0)
      throw new Error('the made-up traffic exceeds the budget');
  }

  #random(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return this.#seed / 2 ** 31;
  }
}
