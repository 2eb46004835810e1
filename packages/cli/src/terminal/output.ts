/**
 * @module
 * Standard output with back-pressure, and a quiet end when its reader goes away (`| head`).
 */
import type { Writable } from 'node:stream';
import { exitCodes, InterruptedError } from '../exit.js';
import type { TerminalStream } from './stream.js';

/** All but tab and line feed. */
const controlCharacters = /(?![\t\n])\p{Cc}/gu;

export class Output {
  readonly #stream: Writable & TerminalStream;
  #failure: Error | undefined;

  constructor(stream: Writable & TerminalStream) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error.code === 'EPIPE' ? new InterruptedError(exitCodes.brokenPipe) : error;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Resolves when the stream has taken the text. Throws `InterruptedError` when nobody reads any more. */
  async write(text: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (text === '') return;
    await new Promise<void>((resolve) => {
      // The error, if any, also arrives at the listener above; the callback may come first.
      this.#stream.write(text, () => setImmediate(resolve));
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Text that a model wrote. At a terminal its control characters are shown as `\ufffd`: a model may repeat escape
   * sequences it was fed, and those could retitle windows or type commands.
   */
  async modelText(text: string): Promise<void> {
    await this.write(this.isTerminal ? text.replaceAll(controlCharacters, '\ufffd') : text);
  }

  async line(text = ''): Promise<void> {
    await this.write(`${text}\n`);
  }

  async json(value: unknown): Promise<void> {
    await this.line(JSON.stringify(value));
  }
}
