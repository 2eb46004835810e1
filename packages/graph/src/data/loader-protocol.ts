import type { TensorRecord } from '../runtime/protocol.js';
import type { Draw } from './mixture.js';

/** Turns drawn examples into the feeds of one step. Their buffers are moved away: every call returns new arrays. */
export type BatchMaker = (draws: readonly Draw[]) => TensorRecord | Promise<TensorRecord>;

/**
 * What the module of a loader exports. It is called once, in the worker thread, with the options that were given to the
 * loader; opening files and decoding happen there.
 */
export interface LoaderModule {
  createBatchMaker(options: unknown): BatchMaker | Promise<BatchMaker>;
}

/** Handed to the worker when it starts. */
export interface LoaderSetup {
  readonly module: string;
  readonly options: unknown;
}

export interface LoaderRequest {
  readonly id: number;
  readonly draws: readonly Draw[];
}

export type LoaderResponse =
  | { readonly id: number; readonly feeds: TensorRecord }
  | { readonly id: number; readonly error: string };
