/**
 * @module
 * The serving engine: requests in, events out. One loop plans a step, backs its memory, runs it natively and hands
 * out what was sampled; everything between two steps happens on the event loop, nothing during one.
 */
import { setMaxListeners } from 'node:events';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from './errors.js';
import { type LoadedModel, loadModel, type TextEngineOptions, whole } from './load-model.js';
import { checkTokens, encodeText, promptTokens } from './prompt.js';
import { resolveMaxTokens, resolveSampling, resolveStops } from './request.js';
import { choosePreemption, planStep, type SchedulerLimits, type StepPlan } from './scheduler.js';
import { Sequence, type SequenceOptions } from './sequence.js';
import { type BatchOutput, buildBatch } from './step-batch.js';
import type {
  EngineInfo,
  EngineStats,
  FinishReason,
  GenerateEvent,
  GenerateRequest,
  MemorySnapshot,
  TextEngineLike,
} from './types.js';

/** Memory of finished sequences is kept for the next ones this long after the engine went idle. */
const idleTrimMs = 2000;
const defaultMaxWaiting = 1024;
/** After the system refused memory, nobody is admitted for so long. */
const admissionPauseMs = 100;
/** How often the last running sequence asks again. */
const refusalRetryMs = 20;

/** What a caller may add to a request besides the request itself. */
export interface GenerateOptions {
  readonly signal?: AbortSignal;
  /**
   * Gets the logits [vocabulary] each generated token was sampled from, with that token's index. What it throws ends
   * this request.
   */
  readonly tap?: (logits: Float32Array, position: number) => void;
}

/** Text generation from one model. Create with `TextEngine.load`, end with `close`. */
export class TextEngine implements TextEngineLike {
  readonly info: EngineInfo;
  readonly #model: LoadedModel;
  readonly #maxWaiting: number;
  readonly #memoryPatienceMs: number;
  readonly #limits: SchedulerLimits;
  /** By slot: tokens each will have after this step, and after the next as far as is known. */
  readonly #lengths: Int32Array;
  readonly #nextLengths: Int32Array;
  /** Hold a slot, oldest first. */
  #running: Sequence[] = [];
  #waiting: Sequence[] = [];
  #nextId = 1;
  #looping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** When to admit again after the system refused memory that the budget allows. */
  #admitAfter = 0;
  /** Since when it has refused even the last running sequence. */
  #refusedSince: number | undefined;
  readonly #totals = { prompt: 0, generated: 0, preemptions: 0, steps: 0, stepMs: 0, kvStepMs: 0 };
  readonly #finished: Record<FinishReason | 'abort' | 'error', number> = {
    stop: 0,
    length: 0,
    abort: 0,
    error: 0,
  };

  private constructor(file: string, model: LoadedModel, options: TextEngineOptions) {
    this.#model = model;
    this.#maxWaiting = options.maxWaiting ?? defaultMaxWaiting;
    this.#memoryPatienceMs = options.memoryPatienceMs ?? Number.POSITIVE_INFINITY;
    this.#limits = {
      tokenBudget: model.tokenBudget,
      maxSequences: model.maxSequences,
      admission: model.admission,
      bytesFor: (tokens) => model.kv.bytesFor(Math.min(tokens, model.contextLength)),
    };
    this.#lengths = new Int32Array(model.maxSequences);
    this.#nextLengths = new Int32Array(model.maxSequences);
    this.info = {
      id: path.basename(file).replace(/\.gguf$/i, ''),
      name: model.config.name ?? path.basename(file),
      architecture: model.config.architecture,
      parameters: model.parameters,
      fileBytes: [...model.gguf.tensors.values()].reduce((sum, tensor) => sum + tensor.sizeBytes, 0),
      contextLength: model.contextLength,
      trainedContextLength: model.trainedLength,
      vocabSize: model.config.vocabSize,
      hasChatTemplate: model.template !== undefined,
      isa: model.isa,
      threads: model.threads,
    };
  }

  /** Loads a GGUF file. For options and errors see `TextEngineOptions` and `loadModel`. */
  static async load(file: string, options: TextEngineOptions = {}): Promise<TextEngine> {
    whole('maxWaiting', options.maxWaiting ?? defaultMaxWaiting, 0, Number.MAX_SAFE_INTEGER);
    whole('memoryPatienceMs', options.memoryPatienceMs ?? 0, 0, Number.MAX_SAFE_INTEGER);
    return new TextEngine(file, await loadModel(file, options), options);
  }

  /**
   * See `TextEngineLike.generate`. Leaving the iteration early cancels the request within one step. Any number of requests
   * may share a signal: its limit of listeners, after which Node.js warns of a leak, is lifted.
   */
  async *generate(
    request: GenerateRequest,
    options: GenerateOptions = {},
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    options.signal?.throwIfAborted();
    const prompt = promptTokens(request, this.#model);
    const sequence = this.#newSequence({
      prompt,
      maxTokens: resolveMaxTokens(request, prompt.length, this.#model),
      sampling: resolveSampling(request),
      stops: resolveStops(request),
      isEnd:
        request.ignoreEos === true ? () => false : (token) => this.#model.tokenizer.isEndOfGeneration(token),
      tap: options.tap,
    });
    yield* this.#events(sequence, options.signal);
  }

  /**
   * Logits of every position of `tokens`, [tokens, vocabulary] row by row: for tests and evaluation. It shares steps
   * with whatever else runs.
   */
  async debugLogits(
    tokens: readonly number[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    const vocabulary = this.info.vocabSize;
    checkTokens(tokens, this.info.vocabSize, 'tokens');
    if (tokens.length > this.#model.contextLength)
      throw new EngineError('prompt_too_long', 'tokens exceed the context', { field: 'tokens' });
    const logits = new Float32Array(tokens.length * vocabulary);
    const sequence = this.#newSequence({
      prompt: tokens,
      maxTokens: 1,
      sampling: resolveSampling({ temperature: 0, seed: 0 }),
      stops: [],
      isEnd: () => false,
      tap: (row, position) => logits.set(row, position * vocabulary),
      probe: true,
    });
    for await (const _ of this.#events(sequence, options.signal)) {
      // A probe has no text; the tap fills the result.
    }
    return logits;
  }

  tokenize(text: string): readonly number[] {
    return encodeText(text, this.#model.tokenizer);
  }

  stats(): EngineStats {
    const totals = this.#totals;
    return {
      running: this.#running.length,
      waiting: this.#waiting.length,
      promptTokensTotal: totals.prompt,
      generatedTokensTotal: totals.generated,
      preemptionsTotal: totals.preemptions,
      finishedTotal: { ...this.#finished },
      stepsTotal: totals.steps,
      stepMsTotal: totals.stepMs,
      kvStepMsTotal: totals.kvStepMs,
    };
  }

  memory(): MemorySnapshot {
    return this.#model.kv.snapshot();
  }

  /** See `TextEngineLike.close`; idempotent. Requests that still run at the deadline fail with code `closed`. */
  close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.deadlineMs ?? 0);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    clearTimeout(this.#idleTimer);
    const deadline = performance.now() + deadlineMs;
    while (this.#looping !== undefined && performance.now() < deadline) {
      await Promise.race([
        this.#looping,
        new Promise((resolve) => setTimeout(resolve, Math.min(50, deadlineMs))),
      ]);
    }
    const closed = new EngineError('closed', 'the engine was closed');
    for (const sequence of [...this.#running, ...this.#waiting]) this.#fail(sequence, closed, 'error');
    await this.#looping;
    this.#model.program.close();
    this.#model.kv.dispose();
  }

  #newSequence(options: Omit<SequenceOptions, 'id' | 'decoder'>): Sequence {
    if (this.#closing !== undefined) throw new EngineError('closed', 'the engine is closed');
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new EngineError(
        'overloaded',
        `${this.#waiting.length} requests are waiting already: try again later`,
      );
    }
    return new Sequence({ ...options, id: this.#nextId++, decoder: this.#model.tokenizer.streamDecoder() });
  }

  /** Queues the sequence and yields its events; cancels it when the signal fires or the reader leaves. */
  async *#events(
    sequence: Sequence,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    const abort = (): void => this.#fail(sequence, signal?.reason, 'abort');
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
    signal?.addEventListener('abort', abort, { once: true });
    this.#waiting.push(sequence);
    this.#wake();
    try {
      for (;;) {
        const events = await sequence.events.take();
        if (events === undefined) return;
        yield* events;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#fail(sequence, new EngineError('closed', 'the reader left'), 'abort');
    }
  }

  /** Ends a sequence for its reader now; the loop takes its slot back between two steps. */
  #fail(sequence: Sequence, cause: unknown, kind: 'abort' | 'error'): void {
    if (sequence.finished) return;
    sequence.fail(cause);
    this.#finished[kind]++;
    if (this.#looping === undefined) this.#dropFinished();
  }

  #wake(): void {
    clearTimeout(this.#idleTimer);
    this.#looping ??= this.#loop();
  }

  async #loop(): Promise<void> {
    // Requests made in the same turn start in the same step.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (;;) {
      try {
        this.#dropFinished();
        if (this.#running.length === 0 && this.#waiting.length === 0) break;
        await this.#step();
      } catch (cause) {
        // A step that fails is a defect of ours, not of a request: every request hears of it, the process goes on.
        for (const sequence of [...this.#running, ...this.#waiting]) this.#fail(sequence, cause, 'error');
      }
    }
    // In the same turn as the check above: a request that comes next finds no loop and starts one.
    this.#looping = undefined;
    if (this.#closing === undefined)
      this.#idleTimer = setTimeout(() => this.#model.kv.trim(), idleTrimMs).unref();
  }

  #dropFinished(): void {
    for (const sequence of this.#running) if (sequence.finished) this.#giveBack(sequence);
    this.#running = this.#running.filter((sequence) => !sequence.finished);
    this.#waiting = this.#waiting.filter((sequence) => !sequence.finished);
  }

  #giveBack(sequence: Sequence, options: { readonly keep?: boolean } = {}): void {
    const { slot } = sequence;
    if (slot === undefined) return;
    sequence.slot = undefined;
    this.#model.kv.release(slot, options);
  }

  async #step(): Promise<void> {
    const { kv, program } = this.#model;
    const work = this.#backedWork();
    if (work.length === 0) {
      if (this.#refusedSince !== undefined) await sleep(refusalRetryMs);
      return;
    }
    const { batch, outputs } = buildBatch(
      work.map(({ sequence, count }) => ({
        sequence,
        count,
        slotOffset: (sequence.slot ?? 0) * kv.slotBytes,
      })),
    );
    const result = await program.run(batch);
    this.#totals.steps++;
    this.#totals.stepMs += result.elapsedMs;
    for (const { sequence, count } of work) {
      this.#totals.prompt += sequence.advance(count);
    }
    this.#deliver(outputs, result.tokens, result.logits);
    for (const { sequence } of work)
      if (sequence.options.probe === true && sequence.computed === sequence.tokens) sequence.complete();
  }

  #deliver(outputs: readonly BatchOutput[], tokens: Int32Array, logits: Float32Array | undefined): void {
    const vocabulary = this.info.vocabSize;
    for (const [row, { sequence, position, sampled }] of outputs.entries()) {
      if (sequence.finished) continue;
      if (logits !== undefined && sequence.options.tap !== undefined) {
        const own = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
        try {
          sequence.options.tap(own, sampled ? position + 1 : position);
        } catch (cause) {
          this.#fail(sequence, cause, 'error');
          continue;
        }
      }
      if (!sampled) continue;
      this.#totals.generated++;
      const reason = sequence.accept(tokens[row] ?? 0);
      if (reason !== undefined) this.#finished[reason]++;
    }
  }

  /**
   * Plans until memory backs the plan: each deficit preempts the youngest sequence, which is recomputed later. Ends,
   * because nobody comes back meanwhile: the budget has no room for who was preempted, and when the system refuses
   * memory, admission pauses. Empty when nothing can run now.
   */
  #backedWork(): readonly { readonly sequence: Sequence; readonly count: number }[] {
    const { kv } = this.#model;
    if (this.#running.length === 0) this.#refusedSince = undefined;
    for (;;) {
      const plan = planStep(
        {
          running: this.#running,
          waiting: this.#running.length > 0 && performance.now() < this.#admitAfter ? [] : this.#waiting,
          freeSlots: this.#model.maxSequences - this.#running.length,
          budgetBytes: kv.budgetBytes,
        },
        this.#limits,
      );
      this.#admit(plan);
      const byId = new Map(this.#running.map((sequence) => [sequence.id, sequence]));
      const work = plan.work.map(({ id, count }) => ({ sequence: byId.get(id) as Sequence, count }));
      this.#lengths.fill(0);
      this.#nextLengths.fill(0);
      for (const { sequence, count } of work) {
        if (sequence.slot === undefined) continue;
        const after = sequence.computed + count;
        this.#lengths[sequence.slot] = after;
        // A prompt's next chunk is known: its memory is prepared while this one runs.
        if (after < sequence.tokens)
          this.#nextLengths[sequence.slot] = Math.min(sequence.tokens, after + this.#model.tokenBudget);
      }
      const started = performance.now();
      const { deficitBytes, reason } = kv.step(this.#lengths, this.#nextLengths);
      this.#totals.kvStepMs += performance.now() - started;
      if (deficitBytes === 0) {
        this.#refusedSince = undefined;
        return work;
      }
      const victim = choosePreemption(this.#running);
      if (victim === undefined) {
        this.#waitForSystem(deficitBytes);
        return [];
      }
      if (reason === 'system') this.#admitAfter = performance.now() + admissionPauseMs;
      this.#preempt(byId.get(victim) as Sequence, reason === 'system' ? { keep: false } : {});
    }
  }

  /** Only one runs and it fits the budget, so it is the system that refuses: it may have memory again in a while. */
  #waitForSystem(deficitBytes: number): void {
    this.#refusedSince ??= performance.now();
    if (performance.now() - this.#refusedSince < this.#memoryPatienceMs) return;
    const message = `the system cannot back ${deficitBytes} more bytes of KV memory: lower the KV memory budget or free memory`;
    for (const sequence of this.#running)
      this.#fail(sequence, new EngineError('out_of_memory', message), 'error');
    this.#refusedSince = undefined;
  }

  #admit(plan: StepPlan): void {
    for (const id of plan.admit) {
      const sequence = this.#waiting[0];
      if (sequence === undefined || sequence.id !== id) throw new Error('invariant: admission is in order');
      const slot = this.#model.kv.acquire(sequence.tokens);
      if (slot === undefined) throw new Error('invariant: a free slot was counted');
      sequence.slot = slot;
      this.#waiting.shift();
      this.#running.push(sequence);
      sequence.start();
    }
    // A preempted sequence comes back to its place by age, so that the youngest stays the one to give way.
    if (plan.admit.length > 0) this.#running.sort((a, b) => a.id - b.id);
  }

  #preempt(sequence: Sequence, options: { readonly keep?: boolean }): void {
    this.#giveBack(sequence, options);
    sequence.computed = 0;
    this.#running = this.#running.filter((other) => other !== sequence);
    this.#waiting.unshift(sequence);
    this.#totals.preemptions++;
  }
}
