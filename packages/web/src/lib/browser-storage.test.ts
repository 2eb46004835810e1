import { expect, test } from 'vitest';
import { memoryStorage } from '../testing/memory-storage.js';
import { tabStorage } from './browser-storage.js';

test('a tab starts from what any tab stored last, and then is its own', () => {
  const all = memoryStorage();
  const session = memoryStorage();
  const [a, b] = [tabStorage(session, all), tabStorage(memoryStorage(), all)];
  b.setItem('talk', 'one');
  expect(a.getItem('talk')).toBe('one');
  b.setItem('talk', 'two');
  expect(a.getItem('talk')).toBe('one');
  expect(tabStorage(session, all).getItem('talk')).toBe('one'); // a, reloaded
  expect(tabStorage(memoryStorage(), all).getItem('talk')).toBe('two'); // a new tab
});

test('what a tab takes away stays away, and other tabs keep theirs', () => {
  const all = memoryStorage();
  const session = memoryStorage();
  const [a, b] = [tabStorage(session, all), tabStorage(memoryStorage(), all)];
  a.setItem('talk', 'one');
  expect(b.getItem('talk')).toBe('one');
  a.removeItem('talk');
  expect([a.getItem('talk'), b.getItem('talk'), all.getItem('talk')]).toEqual([null, 'one', null]);
  b.setItem('talk', 'two');
  expect(tabStorage(session, all).getItem('talk')).toBeNull();
  a.removeItem('talk');
  expect(all.getItem('talk')).toBe('two');
});

test('a storage that is full loses the old value and does not throw; the other one still holds the new', () => {
  const full = memoryStorage();
  full.setItem('talk', 'old');
  const refuse = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  const [own, all] = [memoryStorage(), { ...full, setItem: refuse }];
  tabStorage(own, all).setItem('talk', 'new');
  expect([own.getItem('talk'), full.getItem('talk')]).toEqual(['new', null]);
  full.setItem('talk', 'old');
  tabStorage({ ...full, setItem: refuse }, own).setItem('talk', 'newer');
  expect([full.getItem('talk'), own.getItem('talk')]).toEqual([null, 'newer']);
});
