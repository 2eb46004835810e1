/**
 * @module
 * One abort path for client, server and error.
 */
import { setMaxListeners } from 'node:events';
import { clientClosed, shuttingDown } from '../errors.js';

/** The abort signal of one HTTP request. `dispose` unhooks it from the longer-lived signals. */
export interface RequestAbort {
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  dispose(): void;
}

/** Aborts when the client leaves or the server's shutdown deadline passes; the reason says which. */
export function requestAbort(client: AbortSignal, stop: AbortSignal): RequestAbort {
  const controller = new AbortController();
  // Each prompt of a completion listens.
  setMaxListeners(0, controller.signal);
  const onClient = (): void => controller.abort(clientClosed());
  const onStop = (): void => controller.abort(shuttingDown());
  // Not AbortSignal.any: it keeps every derived signal alive as long as the server's own signal lives.
  client.addEventListener('abort', onClient, { once: true });
  stop.addEventListener('abort', onStop, { once: true });
  if (client.aborted) onClient();
  if (stop.aborted) onStop();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    dispose: () => {
      client.removeEventListener('abort', onClient);
      stop.removeEventListener('abort', onStop);
    },
  };
}
