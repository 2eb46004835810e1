/**
 * @module
 * Text from standard input.
 */
import { addAbortSignal, type Readable } from 'node:stream';
import { UsageError } from '../exit.js';

/** Everything until the end of input, as UTF-8. Throws `UsageError` for other bytes, and the signal's reason. */
export async function readText(stdin: Readable, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of addAbortSignal(signal, stdin)) chunks.push(Buffer.from(chunk as Uint8Array));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new UsageError('Standard input is not valid UTF-8.');
  }
}
