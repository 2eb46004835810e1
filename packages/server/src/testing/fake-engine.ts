/**
 * @module
 * A deterministic text engine for tests: no model, same events and errors as the real one. Its text is a
 * fixed cycle of words chosen by seed, one token per word.
 */
import {
  EngineError,
  type EngineInfo,
  type EngineStats,
  type GenerateEvent,
  type GenerateRequest,
  type MemorySnapshot,
  type TextEngineLike,
} from '@triptych/llm';

export interface FakeEngineOptions {
  readonly info?: Partial<EngineInfo>;
  /** Wait before each token; default 0 (still gives the event loop a turn). */
  readonly tokenDelayMs?: number;
  /** Wait before admission, as a full engine would; default 0. */
  readonly queueDelayMs?: number;
  /** Requests beyond this many at a time are refused as `overloaded`. Default: no bound. */
  readonly maxRunning?: number;
  /** Thrown by every generation after this many tokens; default never. */
  readonly failure?: { readonly afterTokens: number; readonly error: Error };
  /** Tokens until the model ends by itself; default 1000. */
  readonly naturalEnd?: number;
}

const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const slots = 4;
const bytesPerToken = 1024;
const slotBytes = 1 << 30;

/** What the fake saw of a request, for assertions. */
export interface SeenRequest {
  readonly request: GenerateRequest;
  readonly signal: AbortSignal | undefined;
  aborted: boolean;
}

export class FakeEngine implements TextEngineLike {
  readonly info: EngineInfo;
  readonly seen: SeenRequest[] = [];
  readonly #options: FakeEngineOptions;
  readonly #lengths = new Map<symbol, number>();
  readonly #finished = { stop: 0, length: 0, abort: 0, error: 0 };
  #waiting = 0;
  #promptTokens = 0;
  #generatedTokens = 0;
  #closed = false;

  constructor(options: FakeEngineOptions = {}) {
    this.#options = options;
    this.info = {
      id: 'fake',
      name: 'Fake',
      architecture: 'llama',
      parameters: 1234,
      fileBytes: 5678,
      contextLength: 2048,
      trainedContextLength: options.info?.contextLength ?? 2048,
      vocabSize: 1000,
      hasChatTemplate: true,
      isa: 'portable',
      threads: 1,
      ...options.info,
    };
  }

  /** Generations that have not ended. */
  get running(): number {
    return this.#lengths.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async *generate(
    request: GenerateRequest,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<GenerateEvent> {
    const seen: SeenRequest = { request, signal, aborted: false };
    this.seen.push(seen);
    const promptTokens = this.#admit(request);
    const key = Symbol('sequence');
    let ending: keyof EngineStats['finishedTotal'] = 'abort';
    this.#lengths.set(key, promptTokens);
    try {
      this.#waiting += 1;
      try {
        await wait(this.#options.queueDelayMs ?? 0, signal);
      } finally {
        this.#waiting -= 1;
      }
      this.#promptTokens += promptTokens;
      yield { type: 'start', promptTokens };
      const finish = yield* this.#tokens(request, promptTokens, key, signal);
      ending = finish.reason;
      yield finish;
    } catch (error) {
      ending = signal?.aborted === true ? 'abort' : 'error';
      throw error;
    } finally {
      seen.aborted = signal?.aborted === true;
      this.#finished[ending] += 1;
      this.#lengths.delete(key);
    }
  }

  tokenize(text: string): readonly number[] {
    return text.split(/\s+/).flatMap((word, index) => (word === '' ? [] : [index % this.info.vocabSize]));
  }

  stats(): EngineStats {
    return {
      running: this.#lengths.size - this.#waiting,
      waiting: this.#waiting,
      promptTokensTotal: this.#promptTokens,
      generatedTokensTotal: this.#generatedTokens,
      preemptionsTotal: 0,
      finishedTotal: { ...this.#finished },
      stepsTotal: this.#generatedTokens,
      stepMsTotal: this.#generatedTokens,
      kvStepMsTotal: 0,
    };
  }

  memory(): MemorySnapshot {
    const lengths = [...this.#lengths.values()];
    const needed = lengths.reduce((sum, tokens) => sum + tokens * bytesPerToken, 0);
    return {
      backing: 'memfd',
      reservedBytes: slots * slotBytes,
      slotBytes,
      budgetBytes: slots * this.info.contextLength * bytesPerToken,
      pageGroupBytes: 4096,
      neededBytes: needed,
      committedBytes: needed,
      residentBytes: needed,
      maxTokens: this.info.contextLength,
      bytesPerToken,
      slots: Array.from({ length: slots }, (_, slot) => {
        const tokens = lengths[slot] ?? 0;
        const bytes = tokens * bytesPerToken;
        return {
          slot,
          state: tokens > 0 ? ('active' as const) : ('free' as const),
          tokens,
          neededBytes: bytes,
          committedBytes: bytes,
        };
      }),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Prompt length in tokens; throws what the real engine throws for requests it cannot serve. */
  #admit(request: GenerateRequest): number {
    if (this.#closed) throw new EngineError('closed', 'The engine is closed.');
    if (this.running >= (this.#options.maxRunning ?? Number.POSITIVE_INFINITY)) {
      throw new EngineError('overloaded', 'Too many requests are waiting.');
    }
    if (request.messages !== undefined && !this.info.hasChatTemplate) {
      throw new EngineError('no_chat_template', 'The model has no chat template; send a prompt.', {
        field: 'messages',
      });
    }
    const { prompt, messages = [] } = request;
    if (prompt === '') throw new EngineError('invalid_request', 'The prompt is empty.', { field: 'prompt' });
    const badId = typeof prompt === 'object' && prompt.some((id) => id >= this.info.vocabSize);
    if (badId)
      throw new EngineError('invalid_request', 'A token id is not in the vocabulary.', { field: 'prompt' });
    const text = typeof prompt === 'string' ? prompt : messages.map((message) => message.content).join(' ');
    const count = typeof prompt === 'object' ? prompt.length : this.tokenize(text).length + messages.length;
    if (count >= this.info.contextLength) {
      throw new EngineError(
        'prompt_too_long',
        `The prompt has ${count} tokens, the context holds ${this.info.contextLength}.`,
        { field: prompt === undefined ? 'messages' : 'prompt' },
      );
    }
    return count;
  }

  async *#tokens(
    request: GenerateRequest,
    promptTokens: number,
    key: symbol,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GenerateEvent, GenerateEvent & { type: 'finish' }> {
    const room = this.info.contextLength - promptTokens;
    const wanted = Math.min(request.maxTokens ?? room, room);
    const naturalEnd = request.ignoreEos === true ? wanted : (this.#options.naturalEnd ?? 1000);
    const limit = Math.min(wanted, naturalEnd);
    let text = '';
    const finish = (reason: 'stop' | 'length', completionTokens: number) =>
      ({ type: 'finish', reason, usage: { promptTokens, completionTokens } }) as const;
    for (let count = 0; count < limit; count++) {
      await wait(this.#options.tokenDelayMs ?? 0, signal);
      const { failure } = this.#options;
      if (failure !== undefined && count >= failure.afterTokens) throw failure.error;
      const index = ((request.seed ?? 0) + count) % words.length;
      const piece = `${count === 0 ? '' : ' '}${words[index]}`;
      this.#generatedTokens += 1;
      this.#lengths.set(key, promptTokens + count + 1);
      const cut = firstStop(text + piece, request.stop ?? []);
      if (cut !== undefined) {
        const rest = (text + piece).slice(text.length, Math.max(cut, text.length));
        if (rest !== '') yield { type: 'text', text: rest, tokens: [index] };
        return finish('stop', count + 1);
      }
      text += piece;
      yield { type: 'text', text: piece, tokens: [index] };
    }
    return finish(limit === naturalEnd && request.ignoreEos !== true ? 'stop' : 'length', limit);
  }
}

function firstStop(text: string, stops: readonly string[]): number | undefined {
  const found = stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Gives the event loop a turn even for 0 ms, as a real step would. */
async function wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    if (timeoutMs === 0) {
      setImmediate(resolve);
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    signal?.addEventListener('abort', done, { once: true });
  });
  signal?.throwIfAborted();
}
