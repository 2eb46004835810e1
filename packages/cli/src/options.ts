/**
 * @module
 * The flags that commands share, their parsers, and what they mean to the engine.
 */
import {
  type Admission,
  admissions,
  EngineError,
  type GenerateRequest,
  type TextEngineOptions,
} from '@triptych/llm';
import { isaNames } from '@triptych/native';
import { KvError, MAX_PAGE_GROUP_BYTES, MIN_PAGE_GROUP_BYTES, parseByteSize } from '@triptych/vattention';
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface EngineFlags {
  readonly model?: string;
  readonly threads?: number;
  readonly kvMemory?: number;
  readonly context?: number;
  readonly maxSequences?: number;
  readonly admission?: Admission;
  readonly pageGroup?: number;
  readonly lookAhead?: number;
  readonly deferredReclaim?: boolean;
  readonly isa?: NonNullable<TextEngineOptions['isa']>;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface SamplingFlags {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly seed?: number;
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
}

export function addEngineFlags(command: Command): Command {
  return command
    .option('-m, --model <file>', 'GGUF file (default: the model that comes with Triptych)')
    .option('-t, --threads <count>', 'threads (default: the CPU quota)', integer(1, 1024))
    .option('--kv-memory <size>', 'most memory for KV, like 4GiB (default: half of what is free)', byteSize)
    .option(
      '--context <tokens>',
      'most tokens of a sequence (default: what the model was made for)',
      integer(1, 2 ** 24),
    )
    .option('--max-sequences <count>', 'most sequences at a time (default: 64)', integer(1, 4096))
    .addOption(
      new Option(
        '--admission <by>',
        'start requests by the tokens they have (known), or by what all may come to need (longest: none is preempted)',
      )
        .choices(admissions)
        .default(undefined, 'known'),
    )
    .option(
      '--page-group <size>',
      'bytes that KV memory grows by, a power of two from 4KiB to 2MiB (default: 4KiB)',
      pageGroup,
    )
    .option(
      '--look-ahead <tokens>',
      'tokens whose KV memory is prepared ahead (default: 8)',
      integer(0, 2 ** 20),
    )
    .option('--no-deferred-reclaim', 'give KV memory back as soon as a sequence ends')
    .addOption(new Option('--isa <name>', 'force an instruction set').choices(isaNames))
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'no progress and no remarks');
}

export function addSamplingFlags(command: Command): Command {
  return command
    .option('--temperature <number>', '0 is greedy', number(0, 100))
    .option('--top-k <count>', 'keep the k most likely tokens, 0 keeps all', integer(0, 1e9))
    .option('--top-p <share>', 'keep the smallest set with this much probability', number(0, 1))
    .option('--min-p <share>', 'drop tokens less likely than this share of the best', number(0, 1))
    .option('--repetition-penalty <factor>', '1 is off', number(0.01, 100))
    .option('--presence-penalty <number>', 'once per token that occurred', number(-2, 2))
    .option('--frequency-penalty <number>', 'per occurrence', number(-2, 2))
    .option('--seed <number>', 'same seed, same text', integer(0, Number.MAX_SAFE_INTEGER))
    .option('-n, --max-tokens <count>', 'most tokens to generate', integer(1, 2 ** 31 - 1))
    .option('--stop <text>', 'end before this text; may be given up to 16 times', collectStop);
}

export function toEngineOptions(flags: EngineFlags): TextEngineOptions {
  return {
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.kvMemory === undefined ? {} : { kvMemoryBytes: flags.kvMemory }),
    ...(flags.context === undefined ? {} : { contextLength: flags.context }),
    ...(flags.maxSequences === undefined ? {} : { maxSequences: flags.maxSequences }),
    ...(flags.admission === undefined ? {} : { admission: flags.admission }),
    ...(flags.pageGroup === undefined ? {} : { pageGroupBytes: flags.pageGroup }),
    ...(flags.lookAhead === undefined ? {} : { lookAheadTokens: flags.lookAhead }),
    ...(flags.deferredReclaim === false ? { deferredReclaim: false } : {}),
    ...(flags.isa === undefined ? {} : { isa: flags.isa }),
  };
}

/** What the engine and its KV memory call what these flags set. */
const flagNames: Readonly<Record<string, string>> = {
  kvMemoryBytes: '--kv-memory',
  budgetBytes: '--kv-memory',
  contextLength: '--context',
  maxTokens: '--context',
  maxSequences: '--max-sequences',
  slots: '--max-sequences',
  admission: '--admission',
  pageGroupBytes: '--page-group',
  lookAheadTokens: '--look-ahead',
  isa: '--isa',
};
const optionName = new RegExp(`\\b(${Object.keys(flagNames).join('|')})\\b`, 'g');

/**
 * Puts the flags that were typed in place of the options' names in the message of what loading an engine threw. The
 * error stays the same one, so its class, code and stack do too.
 */
export function nameFlags(error: unknown): void {
  if (!EngineError.isInstance(error) && !KvError.isInstance(error)) return;
  error.message = error.message.replaceAll(optionName, (name) => flagNames[name] ?? name);
}

/** Only what was given; the engine has defaults for the rest. */
export function toRequestFields(flags: SamplingFlags): Partial<GenerateRequest> {
  const names = [
    'temperature',
    'topK',
    'topP',
    'minP',
    'repetitionPenalty',
    'presencePenalty',
    'frequencyPenalty',
    'seed',
    'maxTokens',
    'stop',
  ] as const satisfies readonly (keyof SamplingFlags & keyof GenerateRequest)[];
  const given = names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]);
  return Object.fromEntries(given) as Partial<GenerateRequest>;
}

/** A parser for whole numbers in [min, max]. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A parser for numbers in [min, max]. */
export function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

export function byteSize(text: string): number {
  try {
    return parseByteSize(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : '');
  }
}

function pageGroup(text: string): number {
  const bytes = byteSize(text);
  const isInRange = bytes >= MIN_PAGE_GROUP_BYTES && bytes <= MAX_PAGE_GROUP_BYTES;
  if (isInRange && Number.isInteger(Math.log2(bytes))) return bytes;
  throw new InvalidArgumentError(
    `It must be a power of two from ${MIN_PAGE_GROUP_BYTES} to ${MAX_PAGE_GROUP_BYTES}, like 64KiB.`,
  );
}

/** A size of a picture: `640x480`. */
export function pictureSize(text: string): { readonly width: number; readonly height: number } {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It must be <width>x<height>, like 640x480.');
  return { width: Number(match[1]), height: Number(match[2]) };
}

/** A comma-separated list of whole numbers. */
export function integers(min: number, max: number): (text: string) => number[] {
  return (text) => text.split(',').map((part) => integer(min, max)(part.trim()));
}

function collectStop(text: string, earlier: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  if (earlier.length === 16) throw new InvalidArgumentError('At most 16 can be given.');
  return [...earlier, text];
}
