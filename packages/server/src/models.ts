/**
 * @module
 * The text engines a server offers, by model id. An engine may still be loading when the socket opens:
 * until it is there, requests get 503 and `/health` says so.
 */
import type { LoadProgress, TextEngineLike } from '@triptych/llm';
import { ApiError, unavailable } from './errors.js';

/** An engine that is ready, or one on its way with an optional view of its progress. */
export type EngineSource =
  | TextEngineLike
  | { readonly loading: Promise<TextEngineLike>; readonly progress?: () => LoadProgress | undefined };

export type ModelsState =
  | { readonly status: 'ok' }
  | { readonly status: 'loading'; readonly progress?: LoadProgress }
  | { readonly status: 'failed'; readonly reason: string };

interface Entry {
  readonly source: EngineSource;
  engine: TextEngineLike | undefined;
  failure: Error | undefined;
}

/** Holds the engines in the order given; the first one answers requests that name no model. */
export class Models {
  readonly #entries: readonly Entry[];

  constructor(sources: readonly EngineSource[]) {
    this.#entries = sources.map((source) => {
      const entry: Entry = { source, engine: undefined, failure: undefined };
      if ('loading' in source) void settle(entry, source.loading);
      else entry.engine = source;
      return entry;
    });
  }

  /** No text engine was given: other panels may work all the same. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  state(): ModelsState {
    const failed = this.#entries.find((entry) => entry.failure !== undefined);
    if (failed?.failure !== undefined) return { status: 'failed', reason: failed.failure.message };
    const loading = this.#entries.find((entry) => entry.engine === undefined);
    if (loading === undefined) return { status: 'ok' };
    const progress = 'loading' in loading.source ? loading.source.progress?.() : undefined;
    return progress === undefined ? { status: 'loading' } : { status: 'loading', progress };
  }

  /** Engines that are ready. */
  ready(): readonly TextEngineLike[] {
    return this.#entries.flatMap((entry) => (entry.engine === undefined ? [] : [entry.engine]));
  }

  /**
   * The engine for a request's `model`; none given means the first. So does an empty one: client libraries insist on
   * the field.
   * Throws `ApiError` 503 while loading, 404 `model_not_found` for an unknown id.
   */
  resolve(id: string | null | undefined): TextEngineLike {
    const engines = this.ready();
    const engine = id ? engines.find((one) => one.info.id === id) : engines[0];
    if (engine !== undefined) return engine;
    const state = this.state();
    if (state.status === 'loading') throw unavailable('model_loading', 'The model is still loading.');
    if (state.status === 'failed') throw unavailable('model_failed', 'The model could not be loaded.');
    if (this.isEmpty)
      throw new ApiError('This server was started without a text model.', {
        status: 404,
        type: 'invalid_request_error',
        code: 'model_not_found',
        param: 'model',
      });
    throw new ApiError(
      `The model '${shorten(id ?? '')}' does not exist here. Available: ${engines.map((one) => one.info.id).join(', ') || 'none'}. Leave 'model' out to use the default.`,
      { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' },
    );
  }

  /** Closes every engine, also one that finishes loading later. */
  async close(deadlineMs: number): Promise<void> {
    await Promise.allSettled(
      this.#entries.map(async (entry) => {
        const engine = 'loading' in entry.source ? await entry.source.loading : entry.source;
        await engine.close({ deadlineMs });
      }),
    );
  }
}

async function settle(entry: Entry, loading: Promise<TextEngineLike>): Promise<void> {
  try {
    entry.engine = await loading;
  } catch (error) {
    entry.failure = error instanceof Error ? error : new Error(String(error));
  }
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
