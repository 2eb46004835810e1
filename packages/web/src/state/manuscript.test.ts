import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EMPTY_MANUSCRIPT,
  editSpans,
  type Manuscript,
  type ManuscriptAction,
  manuscriptText,
  reduceManuscript,
  type Span,
} from './manuscript.js';

function play(...actions: ManuscriptAction[]): Manuscript {
  return actions.reduce(reduceManuscript, EMPTY_MANUSCRIPT);
}

const edit = (text: string): ManuscriptAction => ({ type: 'edit', text });
const go: ManuscriptAction = { type: 'continue', nowMs: 0 };
const piece = (runId: number, text: string): ManuscriptAction => ({
  type: 'run',
  runId,
  event: { type: 'text', text, nowMs: 1 },
});
const stop = (runId: number): ManuscriptAction => ({ type: 'run', runId, event: { type: 'stopped' } });

describe('manuscript', () => {
  it('marks what the model wrote and lets the person go on', () => {
    const state = play(
      edit('Once'),
      go,
      piece(1, ' upon'),
      piece(1, ' a time'),
      stop(1),
      edit('Once upon a time there'),
    );
    expect(state.spans).toEqual([
      { author: 'person', text: 'Once' },
      { author: 'model', text: ' upon a time' },
      { author: 'person', text: ' there' },
    ]);
  });

  it('is locked while the model writes', () => {
    const state = play(edit('a'), go, edit('b'), { type: 'clear' }, { type: 'undo' }, go);
    expect(manuscriptText(state)).toBe('a');
    expect(state.runId).toBe(1);
  });

  it('undoes one continuation after another', () => {
    let state = play(edit('a'), go, piece(1, 'b'), stop(1), go, piece(2, 'c'), stop(2));
    expect(manuscriptText(state)).toBe('abc');
    state = reduceManuscript(state, { type: 'undo' });
    expect(manuscriptText(state)).toBe('ab');
    state = reduceManuscript(state, { type: 'undo' });
    expect(manuscriptText(state)).toBe('a');
    expect(reduceManuscript(state, { type: 'undo' })).toBe(state);
  });

  it('ignores text of an earlier run, also after clearing', () => {
    const state = play(
      edit('a'),
      go,
      stop(1),
      { type: 'clear' },
      edit('x'),
      go,
      piece(1, 'late'),
      piece(2, 'y'),
    );
    expect(manuscriptText(state)).toBe('xy');
  });
});

describe('editSpans', () => {
  const spans: Span[] = [
    { author: 'person', text: 'ab' },
    { author: 'model', text: 'cd' },
  ];

  it('keeps the authors on both sides of an edit', () => {
    expect(editSpans(spans, 'abcXd')).toEqual([
      { author: 'person', text: 'ab' },
      { author: 'model', text: 'c' },
      { author: 'person', text: 'X' },
      { author: 'model', text: 'd' },
    ]);
    expect(editSpans(spans, 'ad')).toEqual([
      { author: 'person', text: 'a' },
      { author: 'model', text: 'd' },
    ]);
    expect(editSpans(spans, '')).toEqual([]);
  });

  it('always spells the new text, with no empty spans and no two neighbours of one author', () => {
    const author = fc.constantFrom('person' as const, 'model' as const);
    const anySpans = fc.array(
      fc.record({ author, text: fc.string({ minLength: 1, unit: fc.constantFrom('a', 'b') }) }),
    );
    fc.assert(
      fc.property(anySpans, fc.string({ unit: fc.constantFrom('a', 'b') }), (before, text) => {
        const after = editSpans(before, text);
        expect(after.map((span) => span.text).join('')).toBe(text);
        expect(
          after.every((span, index) => span.text !== '' && span.author !== after[index - 1]?.author),
        ).toBe(true);
      }),
    );
  });
});
