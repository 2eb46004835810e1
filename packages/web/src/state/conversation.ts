/**
 * @module
 * A conversation as a list of turns and the events that change it. Events carry the id of the answer they are
 * for, so what a stopped or replaced run still delivers cannot land in another answer.
 */

import type { WireMessage } from '../api/generate.js';
import { advanceRun, isActive, type Run, type RunEvent, startRun } from './run.js';

export interface UserTurn {
  readonly role: 'user';
  readonly id: number;
  readonly text: string;
}

export interface ModelTurn {
  readonly role: 'assistant';
  readonly id: number;
  readonly text: string;
  readonly run: Run;
}

export type Turn = UserTurn | ModelTurn;

export interface Conversation {
  readonly turns: readonly Turn[];
  readonly nextId: number;
}

export type ConversationAction =
  | { readonly type: 'send'; readonly text: string; readonly nowMs: number }
  /** Answer the last question again; a failed or stopped answer is replaced. */
  | { readonly type: 'regenerate'; readonly nowMs: number }
  | { readonly type: 'run'; readonly answer: number; readonly event: RunEvent }
  | { readonly type: 'clear' };

export const EMPTY_CONVERSATION: Conversation = { turns: [], nextId: 1 };

export function reduceConversation(state: Conversation, action: ConversationAction): Conversation {
  switch (action.type) {
    case 'send': {
      if (runningAnswer(state) !== undefined || action.text.trim() === '') return state;
      const question: UserTurn = { role: 'user', id: state.nextId, text: action.text };
      return withAnswer([...state.turns, question], state.nextId + 1, action.nowMs);
    }
    case 'regenerate': {
      if (runningAnswer(state) !== undefined || state.turns.length === 0) return state;
      const turns = state.turns.at(-1)?.role === 'assistant' ? state.turns.slice(0, -1) : state.turns;
      return withAnswer(turns, state.nextId, action.nowMs);
    }
    case 'run':
      return {
        ...state,
        turns: state.turns.map((turn) =>
          turn.role === 'assistant' && turn.id === action.answer ? advanceAnswer(turn, action.event) : turn,
        ),
      };
    case 'clear':
      // Ids go on counting: an answer that is still arriving must not match one of the next conversation.
      return { turns: [], nextId: state.nextId };
  }
}

function withAnswer(turns: readonly Turn[], id: number, nowMs: number): Conversation {
  return { turns: [...turns, { role: 'assistant', id, text: '', run: startRun(nowMs) }], nextId: id + 1 };
}

function advanceAnswer(turn: ModelTurn, event: RunEvent): ModelTurn {
  if (!isActive(turn.run)) return turn;
  const text = event.type === 'text' ? turn.text + event.text : turn.text;
  return { ...turn, text, run: advanceRun(turn.run, event) };
}

/** The answer that is being generated, if any. Only the last turn can be. */
export function runningAnswer(state: Conversation): ModelTurn | undefined {
  const last = state.turns.at(-1);
  return last?.role === 'assistant' && isActive(last.run) ? last : undefined;
}

/** The messages to send for the answer at the end; failed empty answers are left out. */
export function requestMessages(state: Conversation, systemPrompt: string): WireMessage[] {
  const messages: WireMessage[] = [];
  if (systemPrompt.trim() !== '') messages.push({ role: 'system', content: systemPrompt });
  for (const turn of state.turns) {
    if (turn.role === 'user') messages.push({ role: 'user', content: turn.text });
    else if (!isActive(turn.run) && turn.text !== '')
      messages.push({ role: 'assistant', content: turn.text });
  }
  return messages;
}
