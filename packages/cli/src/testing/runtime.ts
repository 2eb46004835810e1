/**
 * @module
 * A runtime over in-memory streams, for tests that run commands in this process.
 */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { FakeEngine, type FakeEngineOptions, until } from '@triptych/server/testing';
import type { Runtime } from '../runtime.js';
import { Interrupts } from '../terminal/interrupts.js';
import { Output } from '../terminal/output.js';

export interface TestRuntime {
  readonly runtime: Runtime;
  readonly engine: FakeEngine;
  /** Exit codes of hard exits (a second Ctrl-C). */
  readonly exits: number[];
  /** Types into standard input. */
  type(text: string): void;
  /** Resolves when everything printed so far contains `text`. */
  printed(text: string): Promise<void>;
  stdout(): string;
  stderr(): string;
}

/** A terminal of 80 columns unless `isTerminal` is false. */
export function testRuntime(
  options: FakeEngineOptions & { readonly isTerminal?: boolean } = {},
): TestRuntime {
  const isTTY = options.isTerminal !== false;
  const engine = new FakeEngine(options);
  const exits: number[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stdout = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  const texts = { stdout: '', stderr: '' };
  stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.stdout += text;
  });
  stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.stderr += text;
  });
  // Key presses in tests come faster than anybody's; each one counts.
  let nowMs = 0;
  const clock = (): number => {
    nowMs += 1000;
    return nowMs;
  };
  const source = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
  const runtime: Runtime = {
    env: {},
    stdin,
    stdout: new Output(stdout),
    stderr,
    interrupts: new Interrupts(source, clock),
    loadEngine: async (_path, { onProgress }) => {
      onProgress?.({ loadedBytes: 1024, totalBytes: 2048 });
      onProgress?.({ loadedBytes: 2048, totalBytes: 2048 });
      return engine;
    },
    openAurora: async () => {
      throw new Error('this test has no edit model');
    },
    modelFolder: '/nowhere',
    editModelFolder: '/nowhere',
    webRoot: undefined,
  };
  return {
    runtime,
    engine,
    exits,
    type: (text) => {
      stdin.write(text);
    },
    printed: (text) => until(() => (texts.stdout + texts.stderr).includes(text)),
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
  };
}
