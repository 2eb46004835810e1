/**
 * @module
 * The server opens its socket before the model is in memory. Until then `/api/info` answers 503 `model_loading`
 * and `/health` tells how far it is.
 */

import { ApiError, type CallOptions } from './http.js';
import { type EngineInfo, fetchInfo } from './inspect.js';

/**
 * The model's description as soon as it is loaded. `onProgress` gets the loaded share, 0..1, or undefined while
 * it is unknown. Throws `ApiError` for any other answer, and the signal's reason.
 */
export async function waitForModel(
  options: CallOptions & { readonly signal: AbortSignal },
  onProgress: (share: number | undefined) => void,
  pauseMs = 1000,
): Promise<EngineInfo> {
  for (;;) {
    try {
      return await fetchInfo(options);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'model_loading') throw error;
    }
    onProgress(await loadedShare(options.signal));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    options.signal.throwIfAborted();
  }
}

/** While the model loads `/health` answers 503 with a body, so this is no use of `call`. */
async function loadedShare(signal: AbortSignal): Promise<number | undefined> {
  try {
    const response = await fetch('health', { signal });
    const body = (await response.json()) as { progress?: { loadedBytes: number; totalBytes: number } };
    return body.progress === undefined
      ? undefined
      : body.progress.loadedBytes / Math.max(1, body.progress.totalBytes);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
