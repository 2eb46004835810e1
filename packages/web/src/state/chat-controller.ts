/**
 * @module
 * A conversation with a server: holds the state, starts and stops answers. One answer runs at a time.
 */

import type { GenerationEvent, WireMessage } from '../api/generate.js';
import { createStore, type Store } from '../lib/store.js';
import {
  type Conversation,
  type ConversationAction,
  EMPTY_CONVERSATION,
  reduceConversation,
  requestMessages,
  runningAnswer,
} from './conversation.js';
import { driveRun } from './drive-run.js';

export interface ChatOptions {
  /** Streams an answer with the settings of this moment. */
  readonly stream: (messages: readonly WireMessage[], signal: AbortSignal) => AsyncIterable<GenerationEvent>;
  readonly systemPrompt: () => string;
  /** Goes on from here. */
  readonly initial?: Conversation;
  readonly now?: () => number;
  readonly defer?: (run: () => void) => void;
}

export class ChatController {
  readonly store: Store<Conversation, ConversationAction>;
  readonly #options: ChatOptions;
  readonly #now: () => number;
  #abort = new AbortController();

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.store = createStore(reduceConversation, options.initial ?? EMPTY_CONVERSATION, options.defer);
  }

  /** Resolves when the answer has ended, however it ends. */
  send(text: string): Promise<void> {
    return this.#begin({ type: 'send', text, nowMs: this.#now() });
  }

  /** Answers the last question (again). */
  regenerate(): Promise<void> {
    return this.#begin({ type: 'regenerate', nowMs: this.#now() });
  }

  /** What has arrived stays. */
  stop(): void {
    this.#abort.abort();
    const answer = runningAnswer(this.store.get());
    if (answer !== undefined)
      this.store.dispatch({ type: 'run', answer: answer.id, event: { type: 'stopped' } });
  }

  clear(): void {
    this.stop();
    this.store.dispatch({ type: 'clear' });
  }

  async #begin(action: ConversationAction): Promise<void> {
    if (runningAnswer(this.store.get()) !== undefined) return;
    this.store.dispatch(action);
    const state = this.store.get();
    const answer = runningAnswer(state);
    if (answer === undefined) return;
    const abort = new AbortController();
    this.#abort = abort;
    const messages = requestMessages(state, this.#options.systemPrompt());
    await driveRun(
      this.#options.stream(messages, abort.signal),
      abort.signal,
      (event) =>
        this.store.dispatch(
          { type: 'run', answer: answer.id, event },
          event.type === 'text' ? 'later' : 'now',
        ),
      this.#now,
    );
  }
}
