/**
 * @module
 * `triptych complete`: continues a text from the command line or standard input.
 */
import type { GenerateEvent, TextEngineLike, Usage } from '@triptych/llm';
import { UsageError } from '../exit.js';
import { withEngine } from '../load.js';
import { type EngineFlags, type SamplingFlags, toRequestFields } from '../options.js';
import type { Runtime } from '../runtime.js';
import { readText } from '../terminal/input.js';

export interface CompleteFlags extends EngineFlags, SamplingFlags {
  /** Print the prompt before its continuation. */
  readonly echo?: boolean;
  /** With `--json`: one line per event instead of one object at the end. */
  readonly stream?: boolean;
}

/** OpenAI's 16 would cut a sentence in the middle; a person at a terminal wants a paragraph. */
const defaultMaxTokens = 128;

/** `prompt` undefined or `-` reads standard input. */
export async function complete(
  runtime: Runtime,
  prompt: string | undefined,
  flags: CompleteFlags,
): Promise<void> {
  const text = await promptText(runtime, prompt);
  await withEngine(runtime, flags, (engine) =>
    runtime.interrupts.guard((signal) => {
      const request = { maxTokens: defaultMaxTokens, ...toRequestFields(flags), prompt: text };
      return print(runtime, engine, engine.generate(request, { signal }), flags, text);
    }),
  );
}

async function promptText(runtime: Runtime, prompt: string | undefined): Promise<string> {
  if (prompt !== undefined && prompt !== '-') return prompt;
  if (prompt === undefined && runtime.stdin.isTTY === true) {
    throw new UsageError('Give a prompt: triptych complete "Once upon a time", or pipe one in.');
  }
  const text = await runtime.interrupts.guard((signal) => readText(runtime.stdin, signal));
  if (text === '') throw new UsageError('The prompt on standard input is empty.');
  return text;
}

async function print(
  runtime: Runtime,
  engine: TextEngineLike,
  events: AsyncIterable<GenerateEvent>,
  flags: CompleteFlags,
  prompt: string,
): Promise<void> {
  const { stdout } = runtime;
  const isText = flags.json !== true;
  const startedAt = performance.now();
  let text = flags.echo === true ? prompt : '';
  if (isText) await stdout.write(text);
  for await (const event of events) {
    if (event.type === 'text') {
      text += event.text;
      if (isText) await stdout.modelText(event.text);
      else if (flags.stream === true && event.text !== '')
        await stdout.json({ type: 'text', text: event.text });
    } else if (event.type === 'finish') {
      const result = {
        model: engine.info.id,
        finish_reason: event.reason,
        usage: toJsonUsage(event.usage),
        duration_ms: Math.round(performance.now() - startedAt),
      };
      if (isText) await stdout.line();
      else if (flags.stream === true) await stdout.json({ type: 'finish', ...result });
      else await stdout.json({ text, ...result });
    }
  }
}

export function toJsonUsage(usage: Usage): { prompt_tokens: number; completion_tokens: number } {
  return { prompt_tokens: usage.promptTokens, completion_tokens: usage.completionTokens };
}
