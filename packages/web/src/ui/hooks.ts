/** Small hooks that more than one page uses. */

import {
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { Store } from '../lib/store.js';

export function useStore<State, Action>(store: Store<State, Action>): State {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** Whether a media query matches, live. */
export function useMediaQuery(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const list = matchMedia(query);
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

/** Renders again whenever the page's theme changes, by the system or by the user: a canvas keeps its old colours. */
export function useThemeChanges(): void {
  useSyncExternalStore(subscribeToTheme, readTheme);
}

function readTheme(): string {
  const { theme } = document.documentElement.dataset;
  return theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
}

function subscribeToTheme(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const user = new MutationObserver(listener);
  system.addEventListener('change', listener);
  user.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => {
    system.removeEventListener('change', listener);
    user.disconnect();
  };
}

/** Calls `onEscape` for an Escape that no open dialog takes for itself. */
export function useEscape(active: boolean, onEscape: () => void): void {
  useEffect(() => {
    if (!active) return;
    const listen = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog:modal') !== null)
        return;
      event.preventDefault();
      onEscape();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, [active, onEscape]);
}

/** Where keys belong to the element that has the focus. */
const FIELDS = 'input:not([type="radio"]):not([type="checkbox"]), textarea, select, [contenteditable]';
/** What Enter and Space press. */
const PRESSABLE = 'button, a[href], summary, input';

/**
 * Calls `onKey` with the key (in lower case) for keys that no field, dialog or button takes for itself, and that are
 * not held down. It returns whether it did something with the key.
 */
export function usePageKeys(active: boolean, onKey: (key: string) => boolean): void {
  const current = useRef(onKey);
  useLayoutEffect(() => {
    current.current = onKey;
  });
  useEffect(() => {
    if (!active) return;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      if (document.querySelector('dialog:modal') !== null) return;
      const focused = document.activeElement;
      if (focused?.matches(FIELDS)) return;
      if ((event.key === 'Enter' || event.key === ' ') && focused?.matches(PRESSABLE)) return;
      if (current.current(event.key.toLowerCase())) event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, [active]);
}

/** Width of an element in CSS pixels, live; 0 before the first layout. */
export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

/** Distance from the end, in pixels, that still counts as "at the end". */
const END_ZONE_PX = 32;

/**
 * Keeps a scrolling element at its end while its content grows, until the user scrolls up; `jump` goes back to
 * the end and follows again.
 */
export function useFollow(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [following, setFollowing] = useState(true);
  const state = useRef({ following: true, lastTop: 0 });

  const follow = useCallback((value: boolean) => {
    state.current.following = value;
    setFollowing(value);
  }, []);

  const jump = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    follow(true);
    element.scrollTop = element.scrollHeight;
  }, [scroller, follow]);

  useEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (element === null || inner === null) return;
    const onScroll = () => {
      const distance = element.scrollHeight - element.clientHeight - element.scrollTop;
      // Only a movement upwards is the user's: growth of the content never lowers scrollTop.
      if (element.scrollTop < state.current.lastTop - 1 && distance > END_ZONE_PX) follow(false);
      else if (distance <= END_ZONE_PX) follow(true);
      state.current.lastTop = element.scrollTop;
    };
    const observer = new ResizeObserver(() => {
      if (state.current.following) element.scrollTop = element.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, [scroller, content, follow]);

  return { following, jump };
}
