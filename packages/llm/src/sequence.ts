/**
 * @module
 * One request inside the engine: its tokens, where it stands, and the text that leaves it.
 */
import { EventQueue } from './event-queue.js';
import type { ResolvedSampling } from './request.js';
import type { SequenceView } from './scheduler.js';
import { StopMatcher } from './stop-strings.js';
import type { FinishReason, GenerateEvent, Usage } from './types.js';

/** What a sequence needs of a tokenizer. */
export interface TextDecoder {
  push(token: number): string;
  end(): string;
}

export interface SequenceOptions {
  readonly id: number;
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly sampling: ResolvedSampling;
  readonly stops: readonly string[];
  readonly isEnd: (token: number) => boolean;
  readonly decoder: TextDecoder;
  /** Called with a copy of the logits of every computed position, [vocabulary]. */
  readonly tap?: ((logits: Float32Array, position: number) => void) | undefined;
  /** With a tap: logits of prompt positions too, and nothing is generated. */
  readonly probe?: boolean;
}

/** A sequence: waiting (no slot), running (a slot) or finished. */
export class Sequence implements SequenceView {
  readonly id: number;
  readonly events: EventQueue<GenerateEvent> = new EventQueue();
  readonly options: SequenceOptions;
  /** Prompt and generated tokens. */
  readonly ids: number[];
  /** Tokens whose keys and values are in the slot. */
  computed = 0;
  slot: number | undefined = undefined;
  finished = false;
  readonly #stops: StopMatcher;
  /** Prompt tokens computed at least once: what a preemption makes compute again is not counted again. */
  #promptCounted = 0;
  #started = false;
  #unsent: number[] = [];

  constructor(options: SequenceOptions) {
    this.id = options.id;
    this.options = options;
    this.ids = [...options.prompt];
    this.#stops = new StopMatcher(options.stops);
  }

  get tokens(): number {
    return this.ids.length;
  }

  get longest(): number {
    return this.options.prompt.length + this.options.maxTokens;
  }

  get generated(): number {
    return this.ids.length - this.options.prompt.length;
  }

  /** Admitted: the reader hears of it the first time, not again after a preemption. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.events.push({ type: 'start', promptTokens: this.options.prompt.length });
  }

  /** The next `count` tokens have been computed; returns how many of them are prompt tokens computed for the first time. */
  advance(count: number): number {
    this.computed += count;
    const fresh = Math.min(this.computed, this.options.prompt.length) - this.#promptCounted;
    if (fresh <= 0) return 0;
    this.#promptCounted += fresh;
    return fresh;
  }

  /** Takes a sampled token; returns the reason when it was the last one. */
  accept(token: number): FinishReason | undefined {
    if (this.options.isEnd(token)) return this.#finish('stop');
    this.ids.push(token);
    this.#unsent.push(token);
    this.#send(this.#stops.push(this.options.decoder.push(token)));
    if (this.#stops.stopped) return this.#finish('stop');
    return this.generated >= this.options.maxTokens ? this.#finish('length') : undefined;
  }

  /** Ends without a reason of its own: a probe that has computed all its tokens. */
  complete(): void {
    this.finished = true;
    this.events.end();
  }

  /** Ends with an error for the reader. */
  fail(cause: unknown): void {
    this.finished = true;
    this.events.fail(cause);
  }

  #send(text: string): void {
    if (text === '') return;
    this.events.push({ type: 'text', text, tokens: this.#unsent });
    this.#unsent = [];
  }

  #finish(reasonSoFar: FinishReason): FinishReason {
    this.finished = true;
    if (!this.#stops.stopped) this.#send(this.#stops.push(this.options.decoder.end()) + this.#stops.end());
    // What the decoder still held may complete a stop string.
    const reason = this.#stops.stopped ? 'stop' : reasonSoFar;
    if (!this.#stops.stopped && this.#unsent.length > 0)
      this.events.push({ type: 'text', text: '', tokens: this.#unsent });
    const usage: Usage = { promptTokens: this.options.prompt.length, completionTokens: this.generated };
    this.events.push({ type: 'finish', reason, usage });
    this.events.end();
    return reason;
  }
}
