import { CheckpointError, reasonOf } from '../errors.js';
import { type AnyMetadata, numberAt, stringAt, stringsAt } from '../gguf/values.js';
import { BoundedInterpreter, boundedRange } from './bounded-interpreter.js';
import { Environment, type JinjaEnvironment, type JinjaProgram, Template } from './jinja.js';
import { strftime } from './strftime.js';

export interface RenderChatOptions {
  /** Messages as the template expects them: at least `role` and `content`. */
  readonly messages: readonly object[];
  /** End with the opening of an assistant message. Default true. */
  readonly addGenerationPrompt?: boolean;
  /** Tool descriptions, for templates that use them. */
  readonly tools?: readonly object[];
  /** Further variables for the template (`enable_thinking: false`). */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** What the template's `strftime_now` shows. Default: the current time. */
  readonly now?: Date;
}

/** Turns messages into the text that a model was trained on. */
export interface ChatTemplate {
  /** The Jinja source. */
  readonly source: string;
  /** Compiles the source, which rendering does at first use. @throws CheckpointError `CHAT_TEMPLATE` when it is none */
  compile(): void;
  /**
   * Renders a conversation. Encode the result with `parseSpecial: true`, and with `addSpecial: false` if it starts with
   * the BOS token: some templates write it, some leave it to the tokenizer.
   *
   * @throws CheckpointError `CHAT_TEMPLATE` when the template is broken, refuses the messages, or runs too long
   */
  render(options: RenderChatOptions): string;
}

/** Text of the token that a key names, empty without one. */
function tokenText(metadata: AnyMetadata, key: string): string {
  const id = numberAt(metadata, key);
  return id === undefined ? '' : (stringsAt(metadata, 'tokenizer.ggml.tokens')?.[id] ?? '');
}

class JinjaTemplate implements ChatTemplate {
  readonly source: string;
  readonly #bosToken: string;
  readonly #eosToken: string;
  #compiled: JinjaProgram | undefined;

  constructor(source: string, bosToken: string, eosToken: string) {
    this.source = source;
    this.#bosToken = bosToken;
    this.#eosToken = eosToken;
  }

  compile(): void {
    try {
      this.#compiled ??= new Template(this.source).parsed;
    } catch (cause) {
      throw new CheckpointError(
        'CHAT_TEMPLATE',
        `the model's chat template cannot be read: ${reasonOf(cause)}`,
        { cause },
      );
    }
  }

  render(options: RenderChatOptions): string {
    this.compile();
    try {
      const interpreter = new BoundedInterpreter(this.#environment(options));
      return String(interpreter.run(this.#compiled as JinjaProgram).value);
    } catch (cause) {
      // A RangeError here is a template that recurses or nests too deep: the same mistake, the same error.
      throw new CheckpointError('CHAT_TEMPLATE', `the model's chat template failed: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  #environment(options: RenderChatOptions): JinjaEnvironment {
    const now = options.now ?? new Date();
    const values: Record<string, unknown> = {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      range: boundedRange,
      raise_exception: (message: unknown) => {
        throw new Error(String(message));
      },
      strftime_now: (format: string) => strftime(now, format),
      bos_token: this.#bosToken,
      eos_token: this.#eosToken,
      ...(options.tools === undefined ? {} : { tools: options.tools }),
      ...options.variables,
      messages: options.messages,
      add_generation_prompt: options.addGenerationPrompt ?? true,
    };
    const environment = new Environment();
    for (const [name, value] of Object.entries(values)) environment.set(name, value);
    return environment;
  }
}

/**
 * The chat template of a GGUF file (`tokenizer.chat_template`, or the variant called `name`), or undefined if it has
 * none. The source is compiled at the first rendering and kept.
 *
 * @throws CheckpointError `GGUF_METADATA` if the key does not hold a string
 */
export function chatTemplate(metadata: AnyMetadata, name?: string): ChatTemplate | undefined {
  const source = stringAt(metadata, `tokenizer.chat_template${name === undefined ? '' : `.${name}`}`);
  if (source === undefined || source.trim() === '') return undefined;
  const bosToken = tokenText(metadata, 'tokenizer.ggml.bos_token_id');
  return new JinjaTemplate(source, bosToken, tokenText(metadata, 'tokenizer.ggml.eos_token_id'));
}
