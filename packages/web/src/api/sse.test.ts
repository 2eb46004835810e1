import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents, type ServerEvent, SseParser } from './sse.js';

function parse(...chunks: string[]): ServerEvent[] {
  const parser = new SseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

describe('SseParser', () => {
  it('reads data, event names and comments', () => {
    expect(parse(': ping\n\ndata: a\n\nevent: error\ndata: b\n\n')).toEqual([
      { event: 'message', data: 'a' },
      { event: 'error', data: 'b' },
    ]);
  });

  it('joins data lines and strips one leading space only', () => {
    expect(parse('data: one\ndata:two\ndata:  three\n\n')).toEqual([
      { event: 'message', data: 'one\ntwo\n three' },
    ]);
  });

  it('accepts every line end, also one cut in two', () => {
    expect(parse('data: a\r', '\n\r', '\ndata: b\r\rdata: c\n', '\n')).toEqual([
      { event: 'message', data: 'a' },
      { event: 'message', data: 'b' },
      { event: 'message', data: 'c' },
    ]);
  });

  it('skips a byte order mark, unknown fields and events without data', () => {
    expect(parse('\ufeffid: 1\nretry: 5\nevent: x\n\ndata\n\n')).toEqual([{ event: 'message', data: '' }]);
  });

  it('keeps an unfinished event back', () => {
    expect(parse('data: a\n')).toEqual([]);
  });

  it('gives the same events however the stream is cut', () => {
    const line = fc
      .string({ unit: 'binary', maxLength: 12 })
      .map((text) => text.replace(/[\r\n\ufeff]/g, '_'));
    const ending = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(fc.array(fc.tuple(line, ending)), fc.array(fc.nat(200)), (lines, cuts) => {
        const whole = `${lines.map(([text, end]) => `data: ${text}${end}${end}`).join('')}`;
        const places = [...new Set(cuts.map((cut) => Math.min(cut, whole.length)))].sort((a, b) => a - b);
        const pieces = [...places, whole.length].map((place, index) =>
          whole.slice(places[index - 1] ?? 0, place),
        );
        expect(parse(...pieces)).toEqual(lines.map(([text]) => ({ event: 'message', data: text })));
      }),
    );
  });
});

describe('readEvents', () => {
  it('decodes characters that arrive in halves and closes the stream when left early', async () => {
    const bytes = new TextEncoder().encode('data: é\n\ndata: never read\n\n');
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, 7));
        controller.enqueue(bytes.slice(7));
      },
      cancel() {
        cancelled = true;
      },
    });
    for await (const event of readEvents(body)) {
      expect(event.data).toBe('é');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
