/**
 * @module
 * The smallest store that React can subscribe to: one state, one reducer. Controllers write to it without knowing
 * React, so they run and are tested in plain Node.
 */

export interface Store<State, Action> {
  get(): State;
  /** `later` lets changes that come in quick succession share one notification (one animation frame). */
  dispatch(action: Action, notify?: 'now' | 'later'): void;
  subscribe(listener: () => void): () => void;
}

/** @param defer runs a function soon; replaced in tests */
export function createStore<State, Action>(
  reducer: (state: State, action: Action) => State,
  initial: State,
  defer: (run: () => void) => void = (run) => void requestAnimationFrame(run),
): Store<State, Action> {
  const listeners = new Set<() => void>();
  let state = initial;
  let deferred = false;
  const notifyAll = () => {
    for (const listener of listeners) listener();
  };
  return {
    get: () => state,
    dispatch(action, notify = 'now') {
      const next = reducer(state, action);
      if (next === state) return;
      state = next;
      if (notify === 'now') notifyAll();
      else if (!deferred) {
        deferred = true;
        defer(() => {
          deferred = false;
          notifyAll();
        });
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
