/**
 * @module
 * One person at work that the server deals out piece by piece: joining, going on later, undo, and one call at a time.
 * Rating and review are both of this kind; what a piece is, only their pages know.
 */

import { ApiError } from '../api/http.js';
import { createStore, type Store } from '../lib/store.js';
import { describeError } from './drive-run.js';
import type { RunError } from './run.js';
import type { KeyValueStore } from './settings.js';

export interface DeskState<Info, Position> {
  /** `opening`: asking the server; `joining`: a name is needed; `working`: `position` is there. */
  readonly phase: 'opening' | 'joining' | 'working';
  readonly info?: Info | undefined;
  readonly position?: Position | undefined;
  /** A call is under way: whoever presses a key now is too early. */
  readonly busy: boolean;
  readonly error?: RunError | undefined;
  /** The name that somebody has already: perhaps the same person. */
  readonly taken?: string | undefined;
}

export interface DeskOptions<Info, Position> {
  readonly api: {
    info(): Promise<Info>;
    join(name: string, resume: boolean): Promise<Position & { readonly token: string }>;
    position(token: string): Promise<Position>;
    undo(token: string): Promise<Position>;
  };
  /** Where the token is remembered, and under which key. Left out where the browser forbids storage. */
  readonly storage: KeyValueStore | undefined;
  readonly key: string;
}

export class DeskController<Info, Position> {
  readonly store: Store<DeskState<Info, Position>, Partial<DeskState<Info, Position>>>;
  readonly #options: DeskOptions<Info, Position>;
  #token: string | undefined;

  constructor(options: DeskOptions<Info, Position>) {
    this.#options = options;
    this.store = createStore<DeskState<Info, Position>, Partial<DeskState<Info, Position>>>(
      (state, change) => ({ ...state, ...change }),
      { phase: 'opening', busy: false },
      (run) => run(),
    );
  }

  /** Asks what the work is, and goes on where a person of this browser was. Also the way to try again. */
  async open(): Promise<void> {
    const { api, storage, key } = this.#options;
    this.#token ??= storage?.getItem(key) ?? undefined;
    await this.#one(async () => {
      const info = await api.info();
      if (this.#token === undefined) return { phase: 'joining', info };
      this.store.dispatch({ info });
      return { phase: 'working', position: await api.position(this.#token) };
    });
  }

  /** Takes part under a name; with `resume` as the person who has it. */
  async join(name: string, resume = false): Promise<void> {
    const { api, storage, key } = this.#options;
    await this.#one(async () => {
      try {
        const { token, ...position } = await api.join(name, resume);
        this.#token = token;
        storage?.setItem(key, token);
        return { phase: 'working', position: position as Position, taken: undefined };
      } catch (error) {
        if (error instanceof ApiError && error.code === 'name_taken') return { taken: name };
        throw error;
      }
    });
  }

  /** Runs a call that moves the person on; nothing happens while another one is under way. True when it went well. */
  act(work: (token: string) => Promise<Position>): Promise<boolean> {
    const token = this.#token;
    if (token === undefined) return Promise.resolve(false);
    return this.#one(async () => ({ position: await work(token) }));
  }

  /** Takes the last piece of work back. */
  undo(): Promise<boolean> {
    return this.act((token) => this.#options.api.undo(token));
  }

  /** Lets somebody else take part in this browser. */
  leave(): void {
    this.#options.storage?.removeItem(this.#options.key);
    this.#token = undefined;
    this.store.dispatch({ phase: 'joining', position: undefined, error: undefined, taken: undefined });
  }

  async #one(work: () => Promise<Partial<DeskState<Info, Position>>>): Promise<boolean> {
    if (this.store.get().busy) return false;
    this.store.dispatch({ busy: true });
    try {
      this.store.dispatch({ error: undefined, ...(await work()), busy: false });
      return true;
    } catch (error) {
      const described = describeError(error);
      // The server has another study now, or its database was made anew: begin with the name.
      if (described.code === 'unknown_person' && this.#token !== undefined) this.leave();
      this.store.dispatch({ busy: false, error: described });
      return false;
    }
  }
}
