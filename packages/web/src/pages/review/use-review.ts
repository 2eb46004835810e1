import { useEffect, useMemo, useRef } from 'react';
import { type ReviewApi, type ReviewInfoBody, type ReviewStateBody, reviewApi } from '../../api/people.js';
import { browserStorage } from '../../lib/browser-storage.js';
import { DeskController, type DeskState } from '../../state/desk.js';
import { useStore } from '../../ui/hooks.js';

export type ReviewDesk = DeskController<ReviewInfoBody, ReviewStateBody>;

/** The annotator's desk; opened when the page is. */
export function useReview(apiKey: string): {
  readonly desk: ReviewDesk;
  readonly api: ReviewApi;
  readonly state: DeskState<ReviewInfoBody, ReviewStateBody>;
} {
  const key = useRef(apiKey);
  key.current = apiKey;
  const { desk, api } = useMemo(() => {
    const calls = reviewApi(() => ({ apiKey: key.current }));
    return {
      api: calls,
      desk: new DeskController({ api: calls, storage: browserStorage(), key: 'triptych.annotator' }),
    };
  }, []);
  useEffect(() => void desk.open(), [desk]);
  return { desk, api, state: useStore(desk.store) };
}
