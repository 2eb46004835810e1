/**
 * @module
 * Lines from a person (prompt, editing, history by arrow keys) or from a pipe.
 */
import { createInterface, type Interface } from 'node:readline';
import type { Runtime } from '../runtime.js';

export class LineReader {
  readonly #interface: Interface;
  readonly #isPerson: boolean;
  readonly #stderr: Runtime['stderr'];
  readonly #lines: string[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(runtime: Pick<Runtime, 'stdin' | 'stderr' | 'interrupts'>, isPerson: boolean) {
    this.#isPerson = isPerson;
    this.#stderr = runtime.stderr;
    this.#interface = createInterface({
      input: runtime.stdin,
      // The prompt goes to standard error: standard output holds answers only.
      ...(isPerson ? { output: runtime.stderr, terminal: true, historySize: 1000 } : { terminal: false }),
      prompt: '> ',
    });
    this.#interface.on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#interface.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    // In raw mode Ctrl-C is a key, not a signal.
    this.#interface.on('SIGINT', () => runtime.interrupts.interrupt());
  }

  /** The next line, or undefined at the end of input. Throws the signal's reason. */
  async next(signal: AbortSignal): Promise<string | undefined> {
    const isPrompting = this.#isPerson && this.#lines.length === 0 && !this.#ended;
    if (isPrompting) this.#interface.prompt();
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (this.#lines.length === 0 && !this.#ended) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      signal.throwIfAborted();
      return this.#lines.shift();
    } finally {
      signal.removeEventListener('abort', onAbort);
      // Ctrl-C and Ctrl-D leave the cursor behind the prompt.
      if (isPrompting && (signal.aborted || this.#ended)) this.#stderr.write('\n');
    }
  }

  close(): void {
    this.#interface.close();
  }
}
