/**
 * @module
 * A text that a person and a model write together: which parts came from whom, the run that is appending now,
 * and the steps back. For models without a chat template.
 */

import { advanceRun, isActive, type Run, type RunEvent, startRun } from './run.js';

export type Author = 'person' | 'model';

/** Neighbouring spans never have the same author, and none is empty. */
export interface Span {
  readonly author: Author;
  readonly text: string;
}

export interface Manuscript {
  readonly spans: readonly Span[];
  readonly run: Run | undefined;
  readonly runId: number;
  /** Characters at the start of the text that the last run did not see: they are past the model's context. */
  readonly unseen: number;
  /** The text as it was before each continuation, oldest first. */
  readonly before: readonly (readonly Span[])[];
}

export type ManuscriptAction =
  /** The person typed: `text` is the whole new text. */
  | { readonly type: 'edit'; readonly text: string }
  | { readonly type: 'continue'; readonly nowMs: number }
  | { readonly type: 'run'; readonly runId: number; readonly event: RunEvent }
  /** The run sees the text from this character on. */
  | { readonly type: 'sees'; readonly runId: number; readonly from: number }
  /** Takes the last continuation back, with all that was typed since. */
  | { readonly type: 'undo' }
  | { readonly type: 'clear' };

export const EMPTY_MANUSCRIPT: Manuscript = {
  spans: [],
  run: undefined,
  runId: 0,
  unseen: 0,
  before: [],
};

export function manuscriptText(state: Manuscript): string {
  return state.spans.map((span) => span.text).join('');
}

export function reduceManuscript(state: Manuscript, action: ManuscriptAction): Manuscript {
  switch (action.type) {
    case 'edit':
      return isActive(state.run) ? state : { ...state, spans: editSpans(state.spans, action.text) };
    case 'continue':
      if (isActive(state.run)) return state;
      return {
        spans: state.spans,
        run: startRun(action.nowMs),
        runId: state.runId + 1,
        unseen: 0,
        before: [...state.before, state.spans],
      };
    case 'run': {
      if (state.run === undefined || action.runId !== state.runId || !isActive(state.run)) return state;
      const { event } = action;
      const spans =
        event.type === 'text'
          ? joinSpans([...state.spans, { author: 'model', text: event.text }])
          : state.spans;
      return { ...state, spans, run: advanceRun(state.run, event) };
    }
    case 'sees':
      return action.runId === state.runId ? { ...state, unseen: action.from } : state;
    case 'undo': {
      const spans = state.before.at(-1);
      if (spans === undefined || isActive(state.run)) return state;
      return { ...state, spans, run: undefined, unseen: 0, before: state.before.slice(0, -1) };
    }
    case 'clear':
      // The run's number stays: text that still arrives must not land in the next manuscript.
      return isActive(state.run) ? state : { ...EMPTY_MANUSCRIPT, runId: state.runId };
  }
}

/**
 * The spans after the person turned the text into `next`: what is unchanged at both ends keeps its author, the
 * middle is the person's.
 */
export function editSpans(spans: readonly Span[], next: string): Span[] {
  const previous = spans.map((span) => span.text).join('');
  const shorter = Math.min(previous.length, next.length);
  let head = 0;
  while (head < shorter && previous[head] === next[head]) head++;
  let tail = 0;
  while (tail < shorter - head && previous[previous.length - 1 - tail] === next[next.length - 1 - tail])
    tail++;
  return joinSpans([
    ...sliceSpans(spans, 0, head),
    { author: 'person', text: next.slice(head, next.length - tail) },
    ...sliceSpans(spans, previous.length - tail, previous.length),
  ]);
}

function sliceSpans(spans: readonly Span[], from: number, to: number): Span[] {
  const result: Span[] = [];
  let at = 0;
  for (const span of spans) {
    const text = span.text.slice(Math.max(0, from - at), Math.max(0, to - at));
    if (text !== '') result.push({ author: span.author, text });
    at += span.text.length;
  }
  return result;
}

function joinSpans(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (span.text === '') continue;
    if (last?.author === span.author)
      result[result.length - 1] = { author: span.author, text: last.text + span.text };
    else result.push(span);
  }
  return result;
}
