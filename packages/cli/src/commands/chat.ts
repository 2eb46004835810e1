/**
 * @module
 * `triptych chat`: a conversation in the terminal, or one answer to a message given as an argument.
 */
import { type ChatMessage, EngineError, type TextEngineLike } from '@triptych/llm';
import { Conversation } from '../conversation.js';
import { exitCodes, InterruptedError, UsageError } from '../exit.js';
import { withEngine } from '../load.js';
import { type EngineFlags, type SamplingFlags, toRequestFields } from '../options.js';
import type { Runtime } from '../runtime.js';
import { LineReader } from '../terminal/line-reader.js';
import { toJsonUsage } from './complete.js';

export interface ChatFlags extends EngineFlags, SamplingFlags {
  readonly system?: string;
}

const help = `/help             this list
/clear            forget the conversation
/system <text>    set the system message and start anew
/retry            answer the last message again
/history          show the conversation
/quit             leave (also Ctrl-D)
Ctrl-C stops an answer; at the prompt it leaves.`;

/** With `message`: one answer, then the end. Without: a conversation until the input ends. */
export async function chat(runtime: Runtime, message: string | undefined, flags: ChatFlags): Promise<void> {
  await withEngine(runtime, flags, async (engine) => {
    if (!engine.info.hasChatTemplate) {
      throw new UsageError(
        `${engine.info.id} has no chat template: it can only continue text. Use: triptych complete "..."`,
      );
    }
    const conversation = new Conversation(flags.system);
    if (message !== undefined) {
      conversation.ask(message);
      await runtime.interrupts.guard((signal) => answer(runtime, engine, flags, conversation, signal));
      return;
    }
    await converse(runtime, engine, flags, conversation);
  });
}

async function converse(
  runtime: Runtime,
  engine: TextEngineLike,
  flags: ChatFlags,
  conversation: Conversation,
): Promise<void> {
  const isPerson = runtime.stdin.isTTY === true && flags.json !== true;
  if (isPerson && flags.quiet !== true) await runtime.stdout.line(`${engine.info.id}. /help lists commands.`);
  const reader = new LineReader(runtime, isPerson);
  try {
    for (;;) {
      const line = await runtime.interrupts.guard((signal) => reader.next(signal));
      if (line === undefined || line === '/quit' || line === '/exit') return;
      if (line.trim() === '') continue;
      if (line.startsWith('/') && !(await command(runtime, conversation, line))) continue;
      if (!line.startsWith('/')) conversation.ask(line);
      await answerOrStop(runtime, engine, flags, conversation);
    }
  } finally {
    reader.close();
  }
}

/** Runs a /command; true when the model should speak now. */
async function command(runtime: Runtime, conversation: Conversation, line: string): Promise<boolean> {
  const [, name, rest] = /^\/(\S*)\s*([\s\S]*)$/.exec(line) ?? [];
  switch (name) {
    case 'help':
      await runtime.stdout.line(help);
      return false;
    case 'clear':
      conversation.clear();
      return false;
    case 'system':
      conversation.system(rest ?? '');
      return false;
    case 'history':
      for (const { role, content } of conversation.messages) {
        await runtime.stdout.modelText(`${role}: ${content}\n`);
      }
      return false;
    case 'retry':
      if (conversation.retry()) return true;
      runtime.stderr.write('There is nothing to answer yet.\n');
      return false;
    default:
      runtime.stderr.write(`There is no command /${name}; /help lists them.\n`);
      return false;
  }
}

/**
 * Ctrl-C ends the answer, not the conversation; a question the engine refuses is not the end either. A script's
 * input would run on with the wrong answers, so there both end the command.
 */
async function answerOrStop(
  runtime: Runtime,
  engine: TextEngineLike,
  flags: ChatFlags,
  conversation: Conversation,
): Promise<void> {
  try {
    await runtime.interrupts.guard((signal) => answer(runtime, engine, flags, conversation, signal));
  } catch (error) {
    if (runtime.stdin.isTTY !== true) throw error;
    if (EngineError.isInstance(error)) runtime.stderr.write(`${error.message}\n`);
    else if (error instanceof InterruptedError && error.exitCode === exitCodes.interrupted) {
      await runtime.stdout.line('\n[stopped]');
    } else throw error;
  }
}

async function answer(
  runtime: Runtime,
  engine: TextEngineLike,
  flags: ChatFlags,
  conversation: Conversation,
  signal: AbortSignal,
): Promise<void> {
  const messages: readonly ChatMessage[] = conversation.messages;
  let text = '';
  try {
    for await (const event of engine.generate({ ...toRequestFields(flags), messages }, { signal })) {
      if (event.type === 'text') {
        text += event.text;
        if (flags.json !== true) await runtime.stdout.modelText(event.text);
      } else if (event.type === 'finish') {
        if (flags.json !== true) await runtime.stdout.line();
        else {
          await runtime.stdout.json({
            role: 'assistant',
            content: text,
            model: engine.info.id,
            finish_reason: event.reason,
            usage: toJsonUsage(event.usage),
          });
        }
      }
    }
  } finally {
    // A stopped answer stays in the conversation as far as it got.
    conversation.answered(text);
  }
}
