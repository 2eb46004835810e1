import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createStore } from '../lib/store.js';
import { memoryStorage } from '../testing/memory-storage.js';
import { EMPTY_CONVERSATION, reduceConversation, runningAnswer } from './conversation.js';
import {
  keepSaved,
  loadConversation,
  loadManuscript,
  saveConversation,
  saveManuscript,
} from './kept-texts.js';
import { EMPTY_MANUSCRIPT, editSpans } from './manuscript.js';

function talk() {
  let state = reduceConversation(EMPTY_CONVERSATION, { type: 'send', text: 'Count', nowMs: 10 });
  const answer = runningAnswer(state)!.id;
  state = reduceConversation(state, {
    type: 'run',
    answer,
    event: { type: 'text', text: 'one two', nowMs: 30 },
  });
  return { state, answer };
}

test('a finished conversation comes back as it was', () => {
  const { state, answer } = talk();
  const usage = { promptTokens: 3, completionTokens: 2 };
  const done = reduceConversation(state, {
    type: 'run',
    answer,
    event: { type: 'finish', reason: 'stop', usage, nowMs: 40 },
  });
  const storage = memoryStorage();
  saveConversation(storage, done);
  expect(loadConversation(storage)).toEqual(done);
  const error = { message: 'No', code: 'overloaded', status: 503 };
  const failed = reduceConversation(state, { type: 'run', answer, event: { type: 'failed', error } });
  saveConversation(storage, failed);
  expect(loadConversation(storage)).toEqual(failed);
});

test('an answer that was arriving comes back as stopped, and another can be asked for', () => {
  const storage = memoryStorage();
  saveConversation(storage, talk().state);
  const kept = loadConversation(storage);
  expect(kept.turns.at(-1)).toMatchObject({ text: 'one two', run: { status: 'stopped' } });
  const next = reduceConversation(kept, { type: 'regenerate', nowMs: 0 });
  expect(runningAnswer(next)?.id).toBe(3);
});

test('nothing is left of what was cleared', () => {
  const storage = memoryStorage();
  saveConversation(storage, talk().state);
  saveManuscript(storage, { ...EMPTY_MANUSCRIPT, spans: editSpans([], 'Once') });
  expect(storage.map.size).toBe(2);
  saveConversation(storage, EMPTY_CONVERSATION);
  saveManuscript(storage, EMPTY_MANUSCRIPT);
  expect(storage.map.size).toBe(0);
  expect(() => saveConversation(undefined, talk().state)).not.toThrow();
});

test('a manuscript comes back with who wrote what', () => {
  const storage = memoryStorage();
  const spans = [
    { author: 'person', text: 'Once upon' },
    { author: 'model', text: ' a time' },
  ] as const;
  saveManuscript(storage, { ...EMPTY_MANUSCRIPT, spans });
  expect(loadManuscript(storage)).toEqual({ ...EMPTY_MANUSCRIPT, spans });
});

test('anything may stand in the storage', () => {
  const kept = JSON.stringify(talk().state);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.constantFrom(
          'null',
          '{"turns":[{}]}',
          '{"turns":[{"role":"user"}]}',
          '{"spans":[{"author":"x"}]}',
        ),
        // What was kept, with something else in one place.
        fc
          .tuple(fc.nat(kept.length), fc.json())
          .map(([at, json]) => kept.slice(0, at) + json + kept.slice(at + 1)),
      ),
      (text) => {
        const storage = memoryStorage([
          ['triptych.conversation', text],
          ['triptych.manuscript', text],
        ]);
        const conversation = loadConversation(storage);
        expect(runningAnswer(conversation)).toBeUndefined();
        for (const turn of conversation.turns) expect(typeof turn.text).toBe('string');
        for (const span of loadManuscript(storage).spans) expect(span.text).not.toBe('');
      },
    ),
  );
});

/** As much of a document as `keepSaved` listens to. */
function fakePage() {
  return Object.assign(new EventTarget(), { defaultView: new EventTarget() });
}

test('changes are saved together soon after, and at once when the page is left', () => {
  vi.useFakeTimers();
  try {
    const store = createStore(
      (_: number, next: number) => next,
      0,
      (run) => run(),
    );
    const saved: number[] = [];
    const page = fakePage();
    const end = keepSaved(store, (state) => saved.push(state), { page: page as unknown as Document });
    store.dispatch(1);
    store.dispatch(2);
    expect(saved).toEqual([]);
    vi.advanceTimersByTime(300);
    expect(saved).toEqual([2]);
    store.dispatch(3);
    page.defaultView.dispatchEvent(new Event('pagehide'));
    page.dispatchEvent(new Event('visibilitychange'));
    expect(saved).toEqual([2, 3]);
    store.dispatch(4);
    end();
    store.dispatch(5);
    vi.advanceTimersByTime(1000);
    expect(saved).toEqual([2, 3, 4]);
  } finally {
    vi.useRealTimers();
  }
});

test('what arrived in a hidden page, where no animation frame announces it, is saved when the page is left', () => {
  const store = createStore(
    (_: number, next: number) => next,
    0,
    () => {},
  );
  const saved: number[] = [];
  const page = fakePage();
  const end = keepSaved(store, (state) => saved.push(state), { page: page as unknown as Document });
  store.dispatch(1, 'later');
  page.defaultView.dispatchEvent(new Event('pagehide'));
  expect(saved).toEqual([1]);
  end();
});
