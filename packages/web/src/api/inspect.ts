/**
 * @module
 * What the server says about itself: the model it serves, and its KV memory as a stream of snapshots.
 */

import type { EngineInfo, MemorySnapshot } from '@triptych/llm';
import { ApiError, type CallOptions, call } from './http.js';
import { readEvents } from './sse.js';

export type { EngineInfo, MemorySnapshot };

/** The model and the machine behind this server. Throws `ApiError`. */
export async function fetchInfo(options: CallOptions): Promise<EngineInfo> {
  const response = await call('api/info', options);
  return (await response.json()) as EngineInfo;
}

/** Snapshots of the KV memory until the signal fires. Throws `ApiError`, also when the server ends the stream. */
export async function* streamMemory(options: CallOptions): AsyncGenerator<MemorySnapshot> {
  const response = await call('api/memory/stream', options);
  if (response.body === null) throw new ApiError('The server sent no stream.', response.status, 'cut');
  try {
    for await (const event of readEvents(response.body)) yield JSON.parse(event.data) as MemorySnapshot;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new ApiError(
      `The memory stream broke off: ${error instanceof Error ? error.message : ''}`,
      0,
      'cut',
    );
  }
  options.signal?.throwIfAborted();
  throw new ApiError('The server ended the memory stream.', 0, 'cut');
}
