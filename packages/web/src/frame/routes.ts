/**
 * @module
 * The panels of the product and their pages. The frame draws whatever is listed here, so a new panel is an entry
 * in this list and a page component in app.tsx.
 */

import { useSyncExternalStore } from 'react';
import type { IconName } from '../ui/icon.js';

export interface Page {
  readonly path: string;
  readonly label: string;
  readonly icon: IconName;
}

/** `id` also chooses the accent colour: [data-panel] in tokens.css. */
export interface Panel {
  readonly id: 'text' | 'image' | 'sound';
  readonly label: string;
  readonly pages: readonly Page[];
}

/** The text panel's first page is a chat or a manuscript, as the model allows. */
export function panelsFor(hasChatTemplate: boolean): readonly Panel[] {
  return [
    {
      id: 'text',
      label: 'Text',
      pages: [
        hasChatTemplate
          ? { path: 'chat', label: 'Chat', icon: 'chat' }
          : { path: 'chat', label: 'Continue', icon: 'write' },
        { path: 'memory', label: 'Memory', icon: 'memory' },
      ],
    },
    { id: 'image', label: 'Image', pages: [{ path: 'edit', label: 'Edit', icon: 'image' }] },
  ];
}

const PATHS = ['chat', 'memory', 'edit'];

/** The path of the current page, from the address's hash; an unknown one is the first page. */
export function readRoute(hash: string): string {
  const path = hash.replace(/^#\/?/, '');
  return PATHS.includes(path) ? path : PATHS[0]!;
}

export function useRoute(): string {
  return useSyncExternalStore(subscribe, () => readRoute(location.hash));
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
