/**
 * @module
 * What a request's prompt is in tokens: text, token ids, or messages rendered by the model's chat template.
 */
import type { ChatTemplate, Tokenizer } from '@triptych/checkpoints';
import { EngineError } from './errors.js';
import { type ContextBounds, shorten } from './request.js';
import type { ChatMessage, GenerateRequest } from './types.js';

/** The parts of a model that read prompts. */
export interface PromptReader extends ContextBounds {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
  /** Why the file's template cannot be used, if it has one that cannot. */
  readonly templateProblem: string | undefined;
  /** Most UTF-16 units of a text that may fit the context. */
  readonly longestPrompt: number;
}

/** Token ids of a text; control tokens written in it count as such, and the file's special tokens are added. */
export function encodeText(text: string, tokenizer: Tokenizer): readonly number[] {
  return tokenizer.encode(text, { addSpecial: true, parseSpecial: true });
}

/**
 * Token ids of a request's prompt, at least one. Throws EngineError `invalid_request` naming the field, or
 * `no_chat_template` for messages to a model that has none.
 */
export function promptTokens({ prompt, messages }: GenerateRequest, reader: PromptReader): readonly number[] {
  const { tokenizer } = reader;
  if ((prompt === undefined) === (messages === undefined)) {
    throw new EngineError('invalid_request', 'give exactly one of prompt and messages', { field: 'prompt' });
  }
  if (messages !== undefined) return chatTokens(messages, reader);
  if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
    throw new EngineError('invalid_request', 'prompt must be text or an array of token ids', {
      field: 'prompt',
    });
  }
  if (typeof prompt === 'string') checkLength(prompt, reader, 'prompt');
  const tokens = typeof prompt === 'string' ? encodeText(prompt, tokenizer) : prompt;
  // An empty text continues from the beginning of a document, where the model knows one.
  if (tokens.length === 0 && typeof prompt === 'string' && tokenizer.bosId !== undefined)
    return [tokenizer.bosId];
  checkTokens(tokens, tokenizer.vocabSize, 'prompt');
  return tokens;
}

/** Throws EngineError `invalid_request` unless there are tokens and all are in the vocabulary. */
export function checkTokens(tokens: readonly number[], vocabSize: number, field: string): void {
  if (tokens.length === 0) throw new EngineError('invalid_request', `${field} is empty`, { field });
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize) {
      const message = `${field} has token id ${token}, the vocabulary ends at ${vocabSize - 1}`;
      throw new EngineError('invalid_request', message, { field });
    }
  }
}

/** Tokenizing megabytes would hold up everybody else, so what cannot fit is refused before. */
function checkLength(text: string, reader: PromptReader, field: string): void {
  const { longestPrompt } = reader;
  if (text.length <= longestPrompt) return;
  const message = `the text has ${text.length} characters, the context holds at most ${longestPrompt}: ${shorten(reader)}`;
  throw new EngineError('prompt_too_long', message, { field });
}

function chatTokens(messages: readonly ChatMessage[], reader: PromptReader): readonly number[] {
  const { tokenizer, template } = reader;
  const field = 'messages';
  if (template === undefined) {
    const why = reader.templateProblem ?? 'this model has no chat template';
    const message = `${why}: send prompt instead of messages`;
    throw new EngineError('no_chat_template', message, { field });
  }
  if (!Array.isArray(messages))
    throw new EngineError('invalid_request', 'messages must be an array', { field });
  if (messages.length === 0) throw new EngineError('invalid_request', 'messages is empty', { field });
  for (const [index, message] of messages.entries()) {
    // Templates would print what is no text: "[object Object]", "undefined".
    if (typeof message?.role === 'string' && typeof message.content === 'string') continue;
    const problem = `messages[${index}] must be an object with role and content, both text`;
    throw new EngineError('invalid_request', problem, { field });
  }
  let text: string;
  try {
    text = template.render({ messages, addGenerationPrompt: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('invalid_request', `the messages do not fit: ${reason}`, { field, cause });
  }
  checkLength(text, reader, field);
  // Most templates write the beginning-of-text token themselves; a second one would change the answer.
  const bos = tokenizer.bosId === undefined ? undefined : tokenizer.tokenText(tokenizer.bosId);
  return tokenizer.encode(text, {
    addSpecial: bos === undefined || !text.startsWith(bos),
    parseSpecial: true,
  });
}
