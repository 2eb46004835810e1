import { describe, expect, it } from 'vitest';
import {
  type Conversation,
  type ConversationAction,
  EMPTY_CONVERSATION,
  reduceConversation,
  requestMessages,
  runningAnswer,
} from './conversation.js';

function play(...actions: ConversationAction[]): Conversation {
  return actions.reduce(reduceConversation, EMPTY_CONVERSATION);
}

const send = (text: string): ConversationAction => ({ type: 'send', text, nowMs: 0 });
const piece = (answer: number, text: string): ConversationAction => ({
  type: 'run',
  answer,
  event: { type: 'text', text, nowMs: 1 },
});
const finish = (answer: number): ConversationAction => ({
  type: 'run',
  answer,
  event: { type: 'finish', reason: 'stop', usage: undefined, nowMs: 2 },
});
const stop = (answer: number): ConversationAction => ({ type: 'run', answer, event: { type: 'stopped' } });
const fail = (answer: number): ConversationAction => ({
  type: 'run',
  answer,
  event: { type: 'failed', error: { message: 'no', code: 'x', status: 500 } },
});

describe('conversation', () => {
  it('adds a question with a waiting answer and fills it', () => {
    const state = play(send('Hi'), piece(2, 'Hel'), piece(2, 'lo'));
    expect(state.turns.map((turn) => [turn.role, turn.text])).toEqual([
      ['user', 'Hi'],
      ['assistant', 'Hello'],
    ]);
    expect(runningAnswer(state)?.id).toBe(2);
    expect(runningAnswer(play(send('Hi'), finish(2)))).toBeUndefined();
  });

  it('takes no second question while one is being answered, and no empty one', () => {
    expect(play(send('a'), send('b')).turns).toHaveLength(2);
    expect(play(send('  \n')).turns).toHaveLength(0);
  });

  it('keeps a stopped answer and drops what arrives late', () => {
    const state = play(send('a'), piece(2, 'half'), stop(2), piece(2, ' more'));
    expect(state.turns[1]).toMatchObject({ text: 'half', run: { status: 'stopped' } });
  });

  it('replaces the last answer on regenerate; late text of the old one is lost', () => {
    const state = play(
      send('a'),
      piece(2, 'old'),
      stop(2),
      { type: 'regenerate', nowMs: 0 },
      piece(2, '!'),
      piece(3, 'new'),
    );
    expect(state.turns.map((turn) => turn.text)).toEqual(['a', 'new']);
    expect(play({ type: 'regenerate', nowMs: 0 }).turns).toHaveLength(0);
  });

  it('does not let an old answer write into a new conversation', () => {
    const state = play(send('a'), { type: 'clear' }, send('b'), piece(2, 'old'));
    expect(state.turns.map((turn) => turn.text)).toEqual(['b', '']);
  });

  it('sends the system prompt, the finished turns and the new question', () => {
    const state = play(send('a'), piece(2, 'A'), finish(2), send('b'), fail(4), send('c'));
    expect(requestMessages(state, 'Be brief.')).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'A' },
      { role: 'user', content: 'b' },
      { role: 'user', content: 'c' },
    ]);
    expect(requestMessages(state, '  ')[0]?.role).toBe('user');
  });
});
