import { expect, it } from 'vitest';
import { pageAt, panelsFor, readRoute } from './routes.js';

it('reads the page from the hash and falls back to the first', () => {
  expect(
    ['', '#', '#/chat', '#/memory', '#memory', '#/nothing', '#/memory/x', '#/edit', '#/rate', '#review'].map(
      readRoute,
    ),
  ).toEqual(['chat', 'chat', 'chat', 'memory', 'memory', 'chat', 'chat', 'edit', 'rate', 'review']);
});

it('names the first page after what the model can do', () => {
  const names = (hasChatTemplate: boolean) =>
    panelsFor({ hasChatTemplate, edit: true, rate: false, review: false }).flatMap((panel) =>
      panel.pages.map((page) => page.label),
    );
  expect(names(true)).toEqual(['Chat', 'Memory', 'Edit']);
  expect(names(false)).toEqual(['Continue', 'Memory', 'Edit']);
});

it('shows only what the server offers, and its first page by default', () => {
  const panels = panelsFor({ hasChatTemplate: undefined, edit: false, rate: true, review: true });
  expect(panels.flatMap((panel) => panel.pages.map((page) => page.path))).toEqual(['rate', 'review']);
  expect(pageAt(panels, 'chat').page?.path).toBe('rate');
  expect(pageAt(panels, 'review')).toMatchObject({ panel: { id: 'image' }, page: { path: 'review' } });
  const nothing = panelsFor({ hasChatTemplate: undefined, edit: false, rate: false, review: false });
  expect(pageAt(nothing, 'chat')).toEqual({ panel: undefined, page: undefined });
});
