/**
 * @module
 * Drives one generation: turns the events of a stream, its failure or its abort into run events.
 */

import type { GenerationEvent } from '../api/generate.js';
import { ApiError } from '../api/http.js';
import type { RunError, RunEvent } from './run.js';

/** Never rejects: a failure is an event like any other. */
export async function driveRun(
  events: AsyncIterable<GenerationEvent>,
  signal: AbortSignal,
  emit: (event: RunEvent) => void,
  now: () => number,
): Promise<void> {
  try {
    for await (const event of events) {
      signal.throwIfAborted();
      emit({ ...event, nowMs: now() });
    }
  } catch (error) {
    emit(signal.aborted ? { type: 'stopped' } : { type: 'failed', error: describeError(error) });
  }
}

/** What the page shows of anything thrown. */
export function describeError(error: unknown): RunError {
  if (error instanceof ApiError) return { message: error.message, code: error.code, status: error.status };
  return { message: error instanceof Error ? error.message : String(error), code: 'page_error', status: 0 };
}
