import { expect, it } from 'vitest';
import { panelsFor, readRoute } from './routes.js';

it('reads the page from the hash and falls back to the first', () => {
  expect(
    ['', '#', '#/chat', '#/memory', '#memory', '#/nothing', '#/memory/x', '#/edit'].map(readRoute),
  ).toEqual(['chat', 'chat', 'chat', 'memory', 'memory', 'chat', 'chat', 'edit']);
});

it('names the first page after what the model can do', () => {
  const names = (hasChatTemplate: boolean) =>
    panelsFor(hasChatTemplate).flatMap((panel) => panel.pages.map((page) => page.label));
  expect(names(true)).toEqual(['Chat', 'Memory', 'Edit']);
  expect(names(false)).toEqual(['Continue', 'Memory', 'Edit']);
});
