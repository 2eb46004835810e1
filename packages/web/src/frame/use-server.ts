import type { EngineInfo } from '@triptych/llm';
import { useEffect, useState } from 'react';
import { fetchPanels, type PanelsResponse } from '../api/people.js';
import { waitForModel } from '../api/wait-for-model.js';
import { describeError } from '../state/drive-run.js';
import type { RunError } from '../state/run.js';

export type ServerState =
  | { readonly state: 'loading'; readonly share?: number | undefined }
  | {
      readonly state: 'ready';
      /** The text model, if the server has one. */
      readonly info: EngineInfo | undefined;
      readonly panels: PanelsResponse;
    }
  | { readonly state: 'failed'; readonly error: RunError };

/** Asks the server for its panels and its model, and waits while that is loading. `connect` asks again, e.g. with another key. */
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
    const ask = async () => {
      const options = { apiKey: apiKey(), signal: abort.signal };
      const panels = await fetchPanels(options);
      const info = panels.text
        ? await waitForModel(options, (share) => set({ state: 'loading', share }))
        : undefined;
      set({ state: 'ready', info, panels });
    };
    ask().catch((error: unknown) => set({ state: 'failed', error: describeError(error) }));
    return () => abort.abort();
  }, [attempt]);
  return { server, connect: () => setAttempt((count) => count + 1) };
}
