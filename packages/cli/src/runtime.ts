/**
 * @module
 * Everything a command touches outside itself, so that tests can replace it: streams, environment, engine.
 */
import type { Readable, Writable } from 'node:stream';
import { TextEngine, type TextEngineLike, type TextEngineOptions } from '@triptych/llm';
import { Interrupts } from './terminal/interrupts.js';
import { Output } from './terminal/output.js';
import type { TerminalStream } from './terminal/stream.js';

export type LoadEngine = (path: string, options: TextEngineOptions) => Promise<TextEngineLike>;

export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & TerminalStream;
  readonly stdout: Output;
  readonly stderr: Writable & TerminalStream;
  readonly interrupts: Interrupts;
  readonly loadEngine: LoadEngine;
  /** Folder searched for the default model. */
  readonly modelFolder: string;
  /** Folder of the built playground, if there is one. */
  readonly webRoot: string | undefined;
}

/** This process, with the real engine. */
export function processRuntime(places: Pick<Runtime, 'modelFolder' | 'webRoot'>): Runtime {
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: new Output(process.stdout),
    stderr: process.stderr,
    interrupts: new Interrupts(process),
    loadEngine: (path, options) => TextEngine.load(path, options),
    ...places,
  };
}
