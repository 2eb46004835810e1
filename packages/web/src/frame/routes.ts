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

/** What decides which pages there are. */
export interface PageOffers {
  /** The text model, perhaps still loading: true then, as most have a chat template. Undefined: there is none. */
  readonly hasChatTemplate: boolean | undefined;
  /** Pictures are edited here. The page itself says what to do when there is no image model. */
  readonly edit: boolean;
  readonly rate: boolean;
  readonly review: boolean;
}

/** The panels with at least one page. The text panel's first page is a chat or a manuscript, as the model allows. */
export function panelsFor({ hasChatTemplate, edit, rate, review }: PageOffers): readonly Panel[] {
  const panels: Panel[] = [];
  if (hasChatTemplate !== undefined)
    panels.push({
      id: 'text',
      label: 'Text',
      pages: [
        hasChatTemplate
          ? { path: 'chat', label: 'Chat', icon: 'chat' }
          : { path: 'chat', label: 'Continue', icon: 'write' },
        { path: 'memory', label: 'Memory', icon: 'memory' },
      ],
    });
  const pages: Page[] = [];
  if (edit) pages.push({ path: 'edit', label: 'Edit', icon: 'image' });
  if (rate) pages.push({ path: 'rate', label: 'Rate', icon: 'rate' });
  if (review) pages.push({ path: 'review', label: 'Review', icon: 'review' });
  if (pages.length > 0) panels.push({ id: 'image', label: 'Image', pages });
  return panels;
}

const PATHS = ['chat', 'memory', 'edit', 'rate', 'review'];

/** The page at a path; the first one when there is no such page here, none when there are none. */
export function pageAt(
  panels: readonly Panel[],
  path: string,
): { readonly panel: Panel | undefined; readonly page: Page | undefined } {
  const panel = panels.find(({ pages }) => pages.some((page) => page.path === path)) ?? panels[0];
  return { panel, page: panel?.pages.find((page) => page.path === path) ?? panel?.pages[0] };
}

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
