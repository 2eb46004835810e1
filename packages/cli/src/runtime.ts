/**
 * @module
 * Everything a command touches outside itself, so that tests can replace it: streams, environment, engine.
 */
import type { Readable, Writable } from 'node:stream';
import type { Aurora, OpenEditorOptions } from '@triptych/aurora';
import { TextEngine, type TextEngineLike, type TextEngineOptions } from '@triptych/llm';
import { loadImageModules } from './image/modules.js';
import { Interrupts } from './terminal/interrupts.js';
import { Output } from './terminal/output.js';
import type { TerminalStream } from './terminal/stream.js';

export type LoadEngine = (path: string, options: TextEngineOptions) => Promise<TextEngineLike>;

export type OpenAurora = (
  path: string,
  options: Pick<OpenEditorOptions, 'threads' | 'lease'>,
) => Promise<Aurora>;

export interface Runtime {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & TerminalStream;
  readonly stdout: Output;
  readonly stderr: Writable & TerminalStream;
  readonly interrupts: Interrupts;
  readonly loadEngine: LoadEngine;
  /** Opens an edit model; the image libraries are loaded with the first one. */
  readonly openAurora: OpenAurora;
  /** Folder searched for the default model. */
  readonly modelFolder: string;
  /** Folder searched for the default edit model. */
  readonly editModelFolder: string;
  /** Folder of the built playground, if there is one. */
  readonly webRoot: string | undefined;
}

/** This process, with the real engine. */
export function processRuntime(
  places: Pick<Runtime, 'modelFolder' | 'editModelFolder' | 'webRoot'>,
): Runtime {
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: new Output(process.stdout),
    stderr: process.stderr,
    interrupts: new Interrupts(process),
    loadEngine: (path, options) => TextEngine.load(path, options),
    openAurora: async (path, options) => (await loadImageModules()).Aurora.open(path, options),
    ...places,
  };
}
