import type { EngineInfo } from '@triptych/llm';
import { useEffect, useState } from 'react';
import { waitForModel } from '../api/wait-for-model.js';
import { describeError } from '../state/drive-run.js';
import type { RunError } from '../state/run.js';

export type ServerState =
  | { readonly state: 'loading'; readonly share?: number | undefined }
  | { readonly state: 'ready'; readonly info: EngineInfo }
  | { readonly state: 'failed'; readonly error: RunError };

/** Asks the server for its model, and waits while that is loading. `connect` asks again, e.g. with another key. */
export function useServer(apiKey: () => string): {
  readonly server: ServerState;
  readonly connect: () => void;
} {
  const [server, setServer] = useState<ServerState>({ state: 'loading' });
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is the reason to ask again
  useEffect(() => {
    const abort = new AbortController();
    const set = (next: ServerState) => {
      if (!abort.signal.aborted) setServer(next);
    };
    set({ state: 'loading' });
    waitForModel({ apiKey: apiKey(), signal: abort.signal }, (share) =>
      set({ state: 'loading', share }),
    ).then(
      (info) => set({ state: 'ready', info }),
      (error: unknown) => set({ state: 'failed', error: describeError(error) }),
    );
    return () => abort.abort();
  }, [attempt]);
  return { server, connect: () => setAttempt((count) => count + 1) };
}
