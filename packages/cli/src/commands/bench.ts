/**
 * @module
 * `triptych bench`: how fast a model runs here, through the engine as a caller sees it. For comparisons with
 * other engines see the repository's benchmarks.
 */
import type { GenerateRequest, TextEngineLike } from '@triptych/llm';
import { withEngine } from '../load.js';
import type { EngineFlags } from '../options.js';
import type { Runtime } from '../runtime.js';
import { formatRate } from '../terminal/format.js';

export interface BenchFlags extends EngineFlags {
  /** Prompt length of the prefill rows, tokens. */
  readonly prompt: number;
  /** Tokens generated per sequence in the decode rows. */
  readonly tokens: number;
  /** Batch sizes of the decode rows. */
  readonly batch: readonly number[];
  /** Repetitions; the median is shown. */
  readonly repeat: number;
}

export interface BenchRow {
  readonly name: string;
  /** Median. */
  readonly value: number;
  readonly unit: 'tok/s';
  readonly low: number;
  readonly high: number;
}

/** Short enough that several prompts fit one step, so a batch starts decoding together. */
const decodePromptTokens = 16;

export async function bench(runtime: Runtime, flags: BenchFlags): Promise<void> {
  // As many at a time as the largest batch, unless the user said otherwise.
  const maxSequences = flags.maxSequences ?? Math.max(64, ...flags.batch);
  await withEngine(runtime, { ...flags, maxSequences }, (engine) =>
    runtime.interrupts.guard(async (signal) => {
      const { info } = engine;
      if (flags.json !== true && flags.quiet !== true) {
        await runtime.stdout.line(
          `${info.id}, ${info.isa}, ${info.threads} threads, median of ${flags.repeat}`,
        );
      }
      const { contextLength } = info;
      if (flags.prompt >= contextLength && flags.quiet !== true) {
        runtime.stderr.write(
          `The context holds ${contextLength} tokens: the prompt has ${contextLength - 1}, not ${flags.prompt}.\n`,
        );
      }
      for await (const row of rows(engine, flags, signal)) {
        if (flags.json === true) await runtime.stdout.json({ ...row, model: info.id, isa: info.isa });
        else await runtime.stdout.line(describe(row));
      }
    }),
  );
}

function describe(row: BenchRow): string {
  const range = `(${formatRate(row.low)} to ${formatRate(row.high)})`;
  return `${row.name.padEnd(16)} ${formatRate(row.value).padStart(8)} ${row.unit}  ${range}`;
}

async function* rows(
  engine: TextEngineLike,
  flags: BenchFlags,
  signal: AbortSignal,
): AsyncGenerator<BenchRow> {
  const promptTokens = Math.min(flags.prompt, engine.info.contextLength - 1);
  const tokens = Math.min(flags.tokens, engine.info.contextLength - decodePromptTokens);
  // The first run touches memory for the first time; nobody wants to know how long that takes.
  await prefillRate(engine, Math.min(promptTokens, 64), signal);
  yield await median(`prefill/${promptTokens}`, flags.repeat, () =>
    prefillRate(engine, promptTokens, signal),
  );
  for (const size of flags.batch) {
    yield await median(`decode/b${size}`, flags.repeat, () => decodeRate(engine, size, tokens, signal));
  }
}

async function median(name: string, repeat: number, measure: () => Promise<number>): Promise<BenchRow> {
  const values: number[] = [];
  for (let i = 0; i < repeat; i++) values.push(await measure());
  values.sort((a, b) => a - b);
  const at = (index: number): number => values[index] ?? 0;
  const middle = (values.length - 1) / 2;
  const value = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { name, value, unit: 'tok/s', low: at(0), high: at(values.length - 1) };
}

/** Prompt tokens per second until the first token is sampled. */
async function prefillRate(engine: TextEngineLike, count: number, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  for await (const _ of engine.generate(request(engine, count, 1, 0), { signal }));
  return (count * 1000) / (performance.now() - startedAt);
}

/**
 * Tokens per second of all sequences together, from the moment the last one has its first text until the first
 * one ends: only full batches count.
 */
async function decodeRate(
  engine: TextEngineLike,
  size: number,
  tokens: number,
  signal: AbortSignal,
): Promise<number> {
  let waitingFor = size;
  let isFull = true;
  let counted = 0;
  let startedAt: number | undefined;
  let rate: number | undefined;
  const follow = async (index: number): Promise<void> => {
    let isFirst = true;
    for await (const event of engine.generate(request(engine, decodePromptTokens, tokens, index), {
      signal,
    })) {
      if (event.type === 'finish') {
        isFull = false;
        if (startedAt !== undefined) rate ??= (counted * 1000) / (performance.now() - startedAt);
      }
      if (event.type !== 'text') continue;
      if (startedAt !== undefined) counted += event.tokens.length;
      if (isFirst) waitingFor -= 1;
      if (isFirst && waitingFor === 0 && isFull) startedAt = performance.now();
      isFirst = false;
    }
  };
  await Promise.all(Array.from({ length: size }, (_, index) => follow(index)));
  if (rate === undefined) {
    throw new Error(
      `Batch ${size} never ran full: give more --tokens, more --kv-memory, or fewer sequences than --max-sequences.`,
    );
  }
  return rate;
}

/** Token ids spread over the vocabulary; another `variant` gives another prompt. */
function request(
  engine: TextEngineLike,
  promptTokens: number,
  maxTokens: number,
  variant: number,
): GenerateRequest {
  const { vocabSize } = engine.info;
  const prompt = Array.from(
    { length: promptTokens },
    (_, i) => ((i + 1) * 7919 + variant * 104_729) % vocabSize,
  );
  return { prompt, maxTokens, ignoreEos: true, temperature: 0, seed: 0 };
}
