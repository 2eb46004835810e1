/**
 * @module
 * Shorthand of the in-process tests: an app over a fake engine, JSON requests, the error of an answer.
 */
import { type AppOptions, createApp } from '../app.js';
import type { App } from '../http/context.js';
import type { Logger } from '../logger.js';
import { FakeEngine, type FakeEngineOptions } from './fake-engine.js';

export function appWith(
  engineOptions: FakeEngineOptions = {},
  options: Partial<AppOptions> = {},
): { readonly app: App; readonly engine: FakeEngine } {
  const engine = new FakeEngine(engineOptions);
  return { engine, app: createApp({ engines: [engine], ...options }) };
}

/** Sends `body` as it is when it is text or bytes, else as JSON. */
export async function post(
  app: App,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  return app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: isRaw ? (body as string) : JSON.stringify(body),
  });
}

export const chatPath = '/v1/chat/completions';

/** Three prompt tokens, three tokens of answer: "one two three". */
export const hello = { messages: [{ role: 'user', content: 'hello there' }], max_tokens: 3, seed: 0 };

export interface AnswerError {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly message: string;
}

export async function errorOf(response: Response): Promise<AnswerError> {
  const { error } = (await response.json()) as { error: Omit<AnswerError, 'status'> };
  return { status: response.status, ...error };
}

/** Writes every line, as JSON, to `lines`. */
export function recordingLogger(lines: string[]): Logger {
  const write = (fields: object, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}
