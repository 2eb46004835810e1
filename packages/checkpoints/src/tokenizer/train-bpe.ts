/**
 * Trains a byte-level BPE vocabulary: words by pre-tokenizer, then the most frequent pair of neighbouring symbols is
 * merged again and again. Pair counts are kept up to date by visiting only the words that hold the merged pair, so the
 * cost is far from "scan the corpus once per merge" (Sennrich et al. 2016, section 3.2, with the usual incremental
 * bookkeeping).
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { CheckpointError, quoted } from '../errors.js';
import { type GgufInputValue, u32 } from '../gguf/values.js';
import { byteChars } from './byte-chars.js';
import { NumberHeap } from './number-heap.js';
import { PairTable } from './pair-table.js';
import { type PreTokenizer, preTokenizer } from './pre-tokenize.js';
import { tokenKind } from './vocabulary.js';

export interface TrainBpeProgress {
  readonly phase: 'count' | 'merge';
  /** Texts counted, or tokens in the vocabulary so far. */
  readonly done: number;
  /** Size of the vocabulary aimed at (in phase `merge`). */
  readonly total?: number;
}

export interface TrainBpeOptions {
  readonly texts: Iterable<string>;
  /** Tokens in all: special tokens, 256 bytes, merges. */
  readonly vocabSize: number;
  /** Control tokens, ids 0, 1, ... in this order. Default `['<|endoftext|>']`. The first becomes BOS and EOS. */
  readonly specialTokens?: readonly string[];
  /** Pre-tokenizer by its name in GGUF files. Default `gpt-2`. */
  readonly pre?: string;
  /** Pairs that occur less often are not merged. Default 2. */
  readonly minFrequency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainBpeProgress) => void;
}

/** A trained vocabulary. */
export interface TrainedBpe {
  /** Token texts by id, in the byte alphabet. At most `vocabSize`; fewer when the texts hold no more pairs. */
  readonly tokens: readonly string[];
  /** Merges in order, `left right`. */
  readonly merges: readonly string[];
  /** `tokenizer.ggml.*` keys: for `createTokenizer` and `writeGguf`. */
  readonly metadata: ReadonlyMap<string, GgufInputValue>;
}

const maxPairs = 2 ** 26;
const maxCount = 2 ** 26;

/** Counts words; a word is a run of bytes that merges stay within. */
async function countWords(options: TrainBpeOptions, splitter: PreTokenizer): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const count = (word: string): void => {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  };
  let done = 0;
  for (const text of options.texts) {
    splitter.split(text.replace(/\p{Surrogate}/gu, '\ufffd'), count);
    options.onProgress?.({ phase: 'count', done: ++done });
    await setImmediate();
    options.signal?.throwIfAborted();
  }
  return counts;
}

/** The words of the corpus as symbols, and how often each pair of neighbours occurs. */
class PairCounts {
  readonly #words: Int32Array[] = [];
  readonly #wordCounts: number[] = [];
  readonly #table = new PairTable(1 << 16); // pair -> index into the arrays below (kept in `merged`)
  readonly #lefts: number[] = [];
  readonly #rights: number[] = [];
  readonly #counts: number[] = [];
  readonly #wordsOf: number[][] = [];
  readonly #queue = new NumberHeap();
  readonly #touched = new Set<number>();

  constructor(wordCounts: ReadonlyMap<string, number>, firstByteId: number) {
    for (const [word, count] of wordCounts) {
      const symbols = Int32Array.from(Buffer.from(word, 'utf8'), (byte) => firstByteId + byte);
      this.#words.push(symbols);
      this.#wordCounts.push(count);
      this.#addPairs(this.#words.length - 1, symbols, symbols.length, count);
    }
    this.#queueTouched();
  }

  /** The most frequent pair (ties: the one seen first), or undefined if none occurs `minFrequency` times. */
  best(minFrequency: number): { left: number; right: number; pair: number } | undefined {
    for (let key = this.#queue.pop(); key >= 0; key = this.#queue.pop()) {
      const pair = key % maxPairs;
      const count = maxCount - (key - pair) / maxPairs;
      if (count !== this.#counts[pair]) continue; // outdated: the pair was queued again when its count changed
      if (count < minFrequency) return undefined;
      return { left: this.#lefts[pair]!, right: this.#rights[pair]!, pair };
    }
    return undefined;
  }

  /** Replaces a pair by `merged` in every word that holds it. */
  merge({ left, right, pair }: { left: number; right: number; pair: number }, merged: number): void {
    const wordIds = this.#wordsOf[pair]!;
    this.#wordsOf[pair] = [];
    for (const wordId of wordIds) this.#mergeWord(wordId, left, right, merged);
    this.#queueTouched();
  }

  #mergeWord(wordId: number, left: number, right: number, merged: number): void {
    const symbols = this.#words[wordId]!;
    const count = this.#wordCounts[wordId]!;
    let kept = 0;
    let isRemoved = false;
    for (let i = 0; i < symbols.length; i++) {
      const isPair = symbols[i] === left && symbols[i + 1] === right;
      if (isPair && !isRemoved) {
        this.#addPairs(wordId, symbols, symbols.length, -count); // before the first symbol is overwritten
        isRemoved = true;
      }
      symbols[kept++] = isPair ? merged : symbols[i]!;
      if (isPair) i++;
    }
    if (!isRemoved) return; // an earlier merge took the pair out of this word
    const shorter = symbols.subarray(0, kept);
    this.#words[wordId] = shorter;
    this.#addPairs(wordId, shorter, kept, count);
  }

  #addPairs(wordId: number, symbols: Int32Array, length: number, count: number): void {
    for (let i = 0; i + 1 < length; i++) {
      const pair = this.#indexOf(symbols[i]!, symbols[i + 1]!);
      this.#counts[pair] = this.#counts[pair]! + count;
      this.#touched.add(pair);
      const wordsOf = this.#wordsOf[pair]!;
      if (count > 0 && wordsOf.at(-1) !== wordId) wordsOf.push(wordId);
    }
  }

  #indexOf(left: number, right: number): number {
    const slot = this.#table.find(left, right);
    if (slot >= 0) return this.#table.mergedAt(slot);
    const pair = this.#counts.length;
    if (pair >= maxPairs)
      throw new CheckpointError('ARGUMENT', `texts: more than ${maxPairs} different pairs`);
    this.#table.add(left, right, 0, pair);
    this.#lefts.push(left);
    this.#rights.push(right);
    this.#counts.push(0);
    this.#wordsOf.push([]);
    return pair;
  }

  #queueTouched(): void {
    for (const pair of this.#touched) {
      const count = this.#counts[pair]!;
      if (count > maxCount)
        throw new CheckpointError('ARGUMENT', `texts: a pair occurs more than ${maxCount} times`);
      if (count > 0) this.#queue.push((maxCount - count) * maxPairs + pair);
    }
    this.#touched.clear();
  }
}

function checkOptions(vocabSize: number, specialTokens: readonly string[]): void {
  const smallest = specialTokens.length + 256;
  if (!Number.isInteger(vocabSize) || vocabSize < smallest) {
    throw new CheckpointError(
      'ARGUMENT',
      `vocabSize is ${vocabSize}: it must be an integer of at least ${smallest}`,
    );
  }
  const unusable = specialTokens.find((text, i) => text.length < 2 || specialTokens.indexOf(text) !== i);
  if (unusable !== undefined) {
    throw new CheckpointError(
      'ARGUMENT',
      `specialTokens: ${quoted(unusable)} is too short (2 characters) or there twice`,
    );
  }
}

function describe(tokens: readonly string[], merges: readonly string[], specialCount: number, pre: string) {
  const kinds = Int32Array.from(tokens, (_, id) =>
    id < specialCount ? tokenKind.control : tokenKind.normal,
  );
  const metadata = new Map<string, GgufInputValue>([
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', pre],
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', kinds],
    ['tokenizer.ggml.merges', merges],
  ]);
  if (specialCount > 0) {
    metadata.set('tokenizer.ggml.bos_token_id', u32(0));
    metadata.set('tokenizer.ggml.eos_token_id', u32(0));
  }
  return metadata.set('tokenizer.ggml.add_bos_token', false);
}

/**
 * Trains a byte-level BPE vocabulary. Deterministic: the same texts in the same order give the same vocabulary.
 *
 * @throws CheckpointError `ARGUMENT` naming the option, `TOKENIZER` for an unknown `pre`; the signal's reason
 */
export async function trainByteLevelBpe(options: TrainBpeOptions): Promise<TrainedBpe> {
  const { vocabSize, specialTokens = ['<|endoftext|>'], pre = 'gpt-2', minFrequency = 2 } = options;
  checkOptions(vocabSize, specialTokens);
  const wordCounts = await countWords(options, preTokenizer(pre));
  const pairs = new PairCounts(wordCounts, specialTokens.length);

  const tokens = [...specialTokens, ...byteChars];
  const idOf = new Map(tokens.map((text, id) => [text, id]));
  const merges: string[] = [];
  while (tokens.length < vocabSize) {
    const best = pairs.best(minFrequency);
    if (best === undefined) break;
    const [left, right] = [tokens[best.left]!, tokens[best.right]!];
    // Two different pairs can spell the same token; the second is a merge of its own but no new token.
    const merged = idOf.get(left + right) ?? tokens.push(left + right) - 1;
    idOf.set(left + right, merged);
    merges.push(`${left} ${right}`);
    pairs.merge(best, merged);
    options.onProgress?.({ phase: 'merge', done: tokens.length, total: vocabSize });
    await setImmediate();
    options.signal?.throwIfAborted();
  }
  return { tokens, merges, metadata: describe(tokens, merges, specialTokens.length, pre) };
}
