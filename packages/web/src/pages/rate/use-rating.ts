import { useEffect, useMemo, useRef } from 'react';
import {
  type RatingApi,
  type RatingProtocolBody,
  type RatingStateBody,
  ratingApi,
} from '../../api/people.js';
import { browserStorage } from '../../lib/browser-storage.js';
import { DeskController, type DeskState } from '../../state/desk.js';
import { useStore } from '../../ui/hooks.js';

export type RatingDesk = DeskController<RatingProtocolBody, RatingStateBody>;

/** The rater's desk; opened when the page is. */
export function useRating(apiKey: string): {
  readonly desk: RatingDesk;
  readonly api: RatingApi;
  readonly state: DeskState<RatingProtocolBody, RatingStateBody>;
} {
  const key = useRef(apiKey);
  key.current = apiKey;
  const { desk, api } = useMemo(() => {
    const calls = ratingApi(() => ({ apiKey: key.current }));
    return {
      api: calls,
      desk: new DeskController({ api: calls, storage: browserStorage(), key: 'triptych.rater' }),
    };
  }, []);
  useEffect(() => void desk.open(), [desk]);
  return { desk, api, state: useStore(desk.store) };
}
