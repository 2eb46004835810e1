import { CheckpointError } from '../errors.js';
import { type AnyMetadata, numbersAt } from '../gguf/values.js';
import { Merger } from './merge.js';
import { PairTable } from './pair-table.js';
import type { Vocabulary } from './vocabulary.js';

const maxCachedWords = 1 << 16;
const maxCachedLength = 64;
const maxRememberedPairs = 1 << 20;
const wordStart = '▁'; // SentencePiece writes a space as U+2581

/** Rank of merging into each token: the best score first, equal scores share a rank. */
function scoreRanks(metadata: AnyMetadata, tokenCount: number): Int32Array {
  const scores = numbersAt(metadata, 'tokenizer.ggml.scores');
  if (scores === undefined) return new Int32Array(tokenCount);
  if (scores.length !== tokenCount) {
    throw new CheckpointError(
      'TOKENIZER',
      `metadata "tokenizer.ggml.scores" has ${scores.length} entries for ${tokenCount} tokens`,
    );
  }
  const distinct = Float64Array.from(new Set(Array.from(scores)))
    .sort()
    .reverse();
  if (Number.isNaN(distinct[0]))
    throw new CheckpointError('TOKENIZER', 'metadata "tokenizer.ggml.scores" holds NaN');
  const rankOf = new Map(Array.from(distinct, (score, rank) => [score, rank]));
  return Int32Array.from({ length: tokenCount }, (_, id) => rankOf.get(scores[id]!)!);
}

/**
 * SentencePiece as llama.cpp runs it: characters are merged into the best-scored token that two neighbours spell, and
 * characters the vocabulary lacks become byte tokens.
 *
 * The whole text is one word to that algorithm. Where no token goes on after a word's end (`▁` after another
 * character), merges cannot cross such places, so the text is cut there and the words are cached.
 */
export class SentencePieceEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #ranks: Int32Array;
  readonly #texts: string[]; // by symbol: the tokens, then characters that are none
  readonly #charOf = new Map<string, number>();
  readonly #byteTokens: (readonly number[])[];
  readonly #isCuttable: boolean;
  readonly #merger: Merger;
  readonly #cache = new Map<string, readonly number[]>();
  #pairs = new PairTable();
  readonly #symbols = new Int32Array(256); // scratch for words of ordinary length

  constructor(vocabulary: Vocabulary, metadata: AnyMetadata) {
    this.#vocabulary = vocabulary;
    this.#texts = [...vocabulary.texts];
    this.#ranks = scoreRanks(metadata, vocabulary.texts.length);
    this.#byteTokens = Array.from({ length: 256 }, (_, byte) => byteToken(byte, vocabulary));
    this.#isCuttable = !vocabulary.texts.some((text) => /[^▁]▁/u.test(text));
    this.#merger = new Merger({
      rank: (left, right) => this.#pairs.rankAt(this.#pair(left, right)),
      merged: (left, right) => this.#pairs.mergedAt(this.#pair(left, right)),
    });
  }

  /** Appends the tokens of `text` (well-formed, no special tokens in it) to `output`. */
  encode(text: string, output: number[]): void {
    const escaped = text.replaceAll(' ', wordStart);
    if (!this.#isCuttable) {
      this.#append(this.#encodeWord(escaped), output);
      return;
    }
    for (let from = 0; from < escaped.length; ) {
      const end = wordEnd(escaped, from);
      this.#append(this.#cached(escaped.slice(from, end)), output);
      from = end;
    }
  }

  #append(tokens: readonly number[], output: number[]): void {
    for (let i = 0; i < tokens.length; i++) output.push(tokens[i]!);
  }

  #cached(word: string): readonly number[] {
    if (word.length > maxCachedLength) return this.#encodeWord(word);
    let tokens = this.#cache.get(word);
    if (tokens === undefined) {
      tokens = this.#encodeWord(word);
      if (this.#cache.size >= maxCachedWords) this.#cache.clear();
      this.#cache.set(word, tokens);
    }
    return tokens;
  }

  #encodeWord(word: string): readonly number[] {
    const symbols = word.length <= this.#symbols.length ? this.#symbols : new Int32Array(word.length);
    let length = 0;
    for (const char of word) symbols[length++] = this.#symbolOf(char);
    const count = this.#merger.run(symbols, length);
    const tokens: number[] = [];
    for (let i = 0; i < count; i++) this.#pushTokens(symbols[i]!, tokens);
    return tokens;
  }

  #pushTokens(symbol: number, tokens: number[]): void {
    if (symbol < this.#vocabulary.texts.length) tokens.push(symbol);
    else
      for (const byte of Buffer.from(this.#texts[symbol]!, 'utf8')) tokens.push(...this.#byteTokens[byte]!);
  }

  #symbolOf(char: string): number {
    const known = this.#vocabulary.idOf.get(char) ?? this.#charOf.get(char);
    if (known !== undefined) return known;
    const symbol = this.#texts.push(char) - 1;
    this.#charOf.set(char, symbol);
    return symbol;
  }

  /** Slot of a pair in the table, looked up in the vocabulary the first time. */
  #pair(left: number, right: number): number {
    const slot = this.#pairs.find(left, right);
    if (slot >= 0) return slot;
    if (this.#pairs.size >= maxRememberedPairs) this.#pairs = new PairTable();
    const merged = this.#vocabulary.idOf.get(this.#texts[left]! + this.#texts[right]!) ?? -1;
    return this.#pairs.add(left, right, merged < 0 ? -1 : this.#ranks[merged]!, merged);
  }
}

/** End of the word that starts at `from`: some `▁`, then anything up to the next one. */
function wordEnd(text: string, from: number): number {
  let at = from;
  while (text[at] === wordStart) at++;
  const next = text.indexOf(wordStart, at);
  return next < 0 || at === text.length ? text.length : next;
}

/** Tokens for one byte that no token spells: its byte token, the plain character, the unknown token, or nothing. */
function byteToken(byte: number, { idOf, unknownId }: Vocabulary): readonly number[] {
  const hex = byte.toString(16).toUpperCase().padStart(2, '0');
  const plain = byte < 0x80 ? idOf.get(String.fromCharCode(byte)) : undefined;
  const id = idOf.get(`<0x${hex}>`) ?? plain ?? unknownId;
  return id === undefined ? [] : [id];
}

/** Bytes of a normal token: `▁` is a space. */
export function pieceBytes(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(wordStart, ' '), 'utf8');
}
