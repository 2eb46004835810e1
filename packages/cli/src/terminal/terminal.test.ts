import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { InterruptedError } from '../exit.js';
import { formatBytes, formatCount, formatRate } from './format.js';
import { Interrupts } from './interrupts.js';
import { Output } from './output.js';
import { startProgress } from './progress.js';

describe('Interrupts', () => {
  function setUp() {
    let nowMs = 0;
    const exits: number[] = [];
    const source = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
    const interrupts = new Interrupts(source, () => nowMs);
    const stopListening = interrupts.listen();
    const press = (atMs: number, signal = 'SIGINT') => {
      nowMs = atMs;
      source.emit(signal);
    };
    return { exits, source, interrupts, stopListening, press };
  }

  it('aborts first, exits second, and takes two quick signals as one press', async () => {
    const { exits, interrupts, press } = setUp();
    let release: () => void = () => undefined;
    const guarded = interrupts.guard(async (signal) => {
      press(1000);
      press(1100);
      expect(exits).toEqual([]);
      expect(signal.reason).toBeInstanceOf(InterruptedError);
      press(1500);
      expect(exits).toEqual([130]);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    release();
    await guarded;
  });

  it('stops the innermost work only, and starts over once that is done', async () => {
    const { exits, interrupts, press } = setUp();
    await interrupts.guard(async (outer) => {
      await interrupts.guard(async (inner) => {
        press(1000);
        expect([outer.aborted, inner.aborted]).toEqual([false, true]);
      });
      press(2000, 'SIGTERM');
      expect(outer.reason).toMatchObject({ exitCode: 143 });
      expect(exits).toEqual([]);
    });
  });

  it('exits when there is nothing to stop, and lets go of the process', () => {
    const { exits, source, stopListening, press } = setUp();
    press(1000, 'SIGTERM');
    expect(exits).toEqual([143]);
    stopListening();
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
  });
});

describe('progress', () => {
  it('draws only for people', () => {
    const pipe = new PassThrough();
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 30 });
    for (const [stream, quiet] of [
      [pipe, false],
      [terminal, true],
    ] as const) {
      const progress = startProgress(stream, 'Loading', quiet);
      progress.update({ loadedBytes: 1, totalBytes: 2 });
      progress.end();
      expect(stream.read()).toBeNull();
    }
    const progress = startProgress(terminal, 'Loading', false);
    progress.update({ loadedBytes: 1, totalBytes: 2 });
    const line = String(terminal.read()).replace('\r\u001b[K', '');
    expect(line).toHaveLength(29);
    progress.end();
    expect(String(terminal.read())).toBe('\r\u001b[K');
  });

  it('redraws at most every 50 ms, but always the end', () => {
    let nowMs = 0;
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const progress = startProgress(terminal, 'x', false, () => nowMs);
    const draws = () => String(terminal.read() ?? '').split('\r').length - 1;
    progress.update({ loadedBytes: 1, totalBytes: 100 });
    nowMs = 10;
    progress.update({ loadedBytes: 2, totalBytes: 100 });
    expect(draws()).toBe(1);
    nowMs = 60;
    progress.update({ loadedBytes: 3, totalBytes: 100 });
    progress.update({ loadedBytes: 100, totalBytes: 100 });
    expect(draws()).toBe(2);
  });
});

it('writes numbers for people', () => {
  expect([0, 1023, 1536, 10 * 1024 ** 3, 5e15].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '10.0 GiB',
    '4547 TiB',
  ]);
  expect([512, 7_400_000, 1_100_000_000].map(formatCount)).toEqual(['512', '7.4 M', '1.1 B']);
  expect([Math.PI, 1234.5].map(formatRate)).toEqual(['3.1', '1235']);
});

describe('Output', () => {
  it('keeps escape sequences of a model from the terminal, and from nothing else', async () => {
    const hostile = 'a\u001b]0;title\u0007b\r\u009b\tc\nd\u00e9🙂';
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    await new Output(terminal).modelText(hostile);
    expect(String(terminal.read())).toBe('a\ufffd]0;title\ufffdb\ufffd\ufffd\tc\nd\u00e9🙂');
    const pipe = new PassThrough();
    await new Output(pipe).modelText(hostile);
    expect(String(pipe.read())).toBe(hostile);
  });

  it('waits for a slow reader and passes on what else goes wrong', async () => {
    const slow = new PassThrough({ highWaterMark: 1 });
    const output = new Output(slow);
    const order: string[] = [];
    const writing = (async () => {
      await output.write('first');
      await output.write('second');
      order.push('written');
    })();
    while (slow.readableLength === 0) await new Promise(setImmediate);
    order.push('read');
    slow.resume();
    await writing;
    expect(order).toEqual(['read', 'written']);
    const broken = new PassThrough();
    const failing = new Output(broken);
    broken.destroy(new Error('disk full'));
    await new Promise(setImmediate);
    await expect(failing.write('x')).rejects.toThrow('disk full');
  });
});
