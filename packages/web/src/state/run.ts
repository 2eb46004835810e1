/**
 * @module
 * One generation as the page sees it: whether it runs, how it ended, how fast it was. Shared by the chat and the
 * continuation page.
 */

import type { TokenUsage } from '../api/generate.js';

export interface RunError {
  readonly message: string;
  readonly code: string;
  readonly status: number;
}

export type RunStatus = 'waiting' | 'streaming' | 'done' | 'stopped' | 'error';

export interface Run {
  readonly status: RunStatus;
  readonly startedAtMs: number;
  readonly firstAtMs: number | undefined;
  readonly lastAtMs: number;
  /** Pieces of text so far; a good estimate of the tokens until the server says the exact number. */
  readonly pieces: number;
  readonly usage: TokenUsage | undefined;
  /** 'stop' or 'length' once finished. */
  readonly reason: string | undefined;
  readonly error: RunError | undefined;
}

export type RunEvent =
  | { readonly type: 'text'; readonly text: string; readonly nowMs: number }
  | {
      readonly type: 'finish';
      readonly reason: string;
      readonly usage: TokenUsage | undefined;
      readonly nowMs: number;
    }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly error: RunError };

export function startRun(nowMs: number): Run {
  return {
    status: 'waiting',
    startedAtMs: nowMs,
    firstAtMs: undefined,
    lastAtMs: nowMs,
    pieces: 0,
    usage: undefined,
    reason: undefined,
    error: undefined,
  };
}

export function isActive(run: Run | undefined): boolean {
  return run !== undefined && (run.status === 'waiting' || run.status === 'streaming');
}

/** The run after an event. A run that has ended stays as it is. */
export function advanceRun(run: Run, event: RunEvent): Run {
  if (!isActive(run)) return run;
  switch (event.type) {
    case 'text':
      return {
        ...run,
        status: 'streaming',
        firstAtMs: run.firstAtMs ?? event.nowMs,
        lastAtMs: event.nowMs,
        pieces: run.pieces + 1,
      };
    case 'finish':
      return { ...run, status: 'done', reason: event.reason, usage: event.usage };
    case 'stopped':
      return { ...run, status: 'stopped' };
    case 'failed':
      return { ...run, status: 'error', error: event.error };
  }
}

export interface RunFigures {
  readonly tokens: number;
  /** False while `tokens` is counted in pieces of text. */
  readonly exact: boolean;
  readonly firstTokenMs: number | undefined;
  /** Undefined until two tokens have come: one token has no rate. */
  readonly tokensPerSecond: number | undefined;
}

/** Speed after the first token, as the usual definition has it: the first one is the prompt's work. */
export function runFigures(run: Run): RunFigures {
  const tokens = run.usage?.completionTokens ?? run.pieces;
  const elapsedMs = run.lastAtMs - (run.firstAtMs ?? run.lastAtMs);
  return {
    tokens,
    exact: run.usage !== undefined,
    firstTokenMs: run.firstAtMs === undefined ? undefined : run.firstAtMs - run.startedAtMs,
    tokensPerSecond: elapsedMs > 0 && tokens > 1 ? ((tokens - 1) * 1000) / elapsedMs : undefined,
  };
}
