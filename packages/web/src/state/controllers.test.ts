import { describe, expect, it } from 'vitest';
import type { GenerationEvent, WireMessage } from '../api/generate.js';
import { ApiError } from '../api/http.js';
import { ChatController } from './chat-controller.js';
import { manuscriptText } from './manuscript.js';
import { ManuscriptController } from './manuscript-controller.js';

/** A stream the test feeds by hand; aborting it ends it as a real fetch would. */
function handStream() {
  const seen: { readonly input: unknown; readonly signal: AbortSignal }[] = [];
  let push: (event: GenerationEvent | Error) => void = () => undefined;
  async function* stream(input: unknown, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
    seen.push({ input, signal });
    for (;;) {
      const event = await new Promise<GenerationEvent | Error>((resolve, reject) => {
        push = resolve;
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      if (event instanceof Error) throw event;
      yield event;
      if (event.type === 'finish') return;
    }
  }
  const feed = async (event: GenerationEvent | Error) => {
    await settle();
    push(event);
    await settle();
  };
  return { stream, feed, seen };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const defer = (run: () => void) => run();
const finish: GenerationEvent = {
  type: 'finish',
  reason: 'stop',
  usage: { promptTokens: 1, completionTokens: 2 },
};

describe('ChatController', () => {
  function open() {
    const hand = handStream();
    const chat = new ChatController({
      stream: (messages: readonly WireMessage[], signal) => hand.stream(messages, signal),
      systemPrompt: () => 'S',
      defer,
    });
    return { ...hand, chat, last: () => chat.store.get().turns.at(-1) };
  }

  it('streams an answer and tells its listeners', async () => {
    const { chat, feed, seen, last } = open();
    let notified = 0;
    chat.store.subscribe(() => notified++);
    const ended = chat.send('Hi');
    await feed({ type: 'text', text: 'Hel' });
    await feed({ type: 'text', text: 'lo' });
    await feed(finish);
    await ended;
    expect(last()).toMatchObject({ text: 'Hello', run: { status: 'done', usage: { completionTokens: 2 } } });
    expect(seen[0]?.input).toEqual([
      { role: 'system', content: 'S' },
      { role: 'user', content: 'Hi' },
    ]);
    expect(notified).toBe(4);
  });

  it('stops at once, closes the connection and keeps the text', async () => {
    const { chat, feed, seen, last } = open();
    const ended = chat.send('Hi');
    await feed({ type: 'text', text: 'half' });
    chat.stop();
    expect(last()).toMatchObject({ text: 'half', run: { status: 'stopped' } });
    expect(seen[0]?.signal.aborted).toBe(true);
    await ended;
    expect(last()).toMatchObject({ text: 'half', run: { status: 'stopped' } });
  });

  it('shows a failure and can try again', async () => {
    const { chat, feed, seen, last } = open();
    const ended = chat.send('Hi');
    await feed(new ApiError('No memory left', 503, 'overloaded'));
    await ended;
    expect(last()).toMatchObject({
      run: { status: 'error', error: { message: 'No memory left', status: 503 } },
    });
    const again = chat.regenerate();
    await feed(finish);
    await again;
    expect(last()).toMatchObject({ run: { status: 'done' } });
    expect(seen[1]?.input).toEqual(seen[0]?.input);
  });

  it('ignores a second question while one runs, and a clear ends the run', async () => {
    const { chat, feed, seen } = open();
    const ended = chat.send('a');
    await chat.send('b');
    await feed({ type: 'text', text: 'x' });
    chat.clear();
    await ended;
    expect(seen).toHaveLength(1);
    expect(chat.store.get().turns).toEqual([]);
  });
});

describe('ManuscriptController', () => {
  it('continues, stops, takes back', async () => {
    const hand = handStream();
    const writer = new ManuscriptController({ stream: (text, signal) => hand.stream(text, signal), defer });
    await writer.continue(100);
    expect(hand.seen).toHaveLength(0); // nothing to continue yet
    writer.edit('Once');
    const first = writer.continue(100);
    await hand.feed({ type: 'text', text: ' upon' });
    await hand.feed(finish);
    await first;
    const second = writer.continue(100);
    await hand.feed({ type: 'text', text: ' a' });
    writer.stop();
    await second;
    expect(hand.seen.map((call) => call.input)).toEqual(['Once', 'Once upon']);
    expect(manuscriptText(writer.store.get())).toBe('Once upon a');
    writer.undo();
    expect(manuscriptText(writer.store.get())).toBe('Once upon');
    writer.clear();
    expect(writer.store.get().spans).toEqual([]);
  });

  it('sends the end of a text that is too long, halves it when the server says so, and learns', async () => {
    const sent: string[] = [];
    const writer = new ManuscriptController({
      // A vocabulary of letters, with room for ten of them.
      stream: async function* (text): AsyncGenerator<GenerationEvent> {
        sent.push(text);
        if (text.length >= 10) throw new ApiError('too long', 400, 'context_length_exceeded');
        yield { type: 'finish', reason: 'stop', usage: { promptTokens: text.length, completionTokens: 0 } };
      },
      defer,
    });
    writer.edit('aaa bbb ccc ddd eee fff ggg');
    await writer.continue(10);
    expect(sent).toEqual(['ddd eee fff ggg', 'fff ggg']);
    expect(writer.store.get()).toMatchObject({ unseen: 20, run: { status: 'done' } });
    await writer.continue(10);
    expect(sent.slice(2)).toEqual(['ggg']);
  });

  it('gives up when even one character is too long', async () => {
    let calls = 0;
    const writer = new ManuscriptController({
      // biome-ignore lint/correctness/useYield: a stream that fails before its first event
      stream: async function* (): AsyncGenerator<GenerationEvent> {
        calls++;
        throw new ApiError('too long', 400, 'context_length_exceeded');
      },
      defer,
    });
    writer.edit('a'.repeat(64));
    await writer.continue(1000);
    expect(calls).toBe(7);
    expect(writer.store.get().run).toMatchObject({ status: 'error', error: { message: 'too long' } });
  });
});
