/**
 * CLIP's tokenizer (Radford et al. 2021): lower-cased byte-level BPE whose words end in `</w>`. Same ids as
 * transformers' `CLIPTokenizerFast`, except that special tokens written in the text are ordinary text.
 *
 * @module
 */
import { CheckpointError, quoted } from '../errors.js';
import { byteChars } from './byte-chars.js';
import { Merger } from './merge.js';
import { PairTable } from './pair-table.js';

const WORD_END = '</w>';
const maxCachedWords = 1 << 15;
const word = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}{1,1000000}|\p{N}|[^\p{White_Space}\p{L}\p{N}]{1,1000000}/gu;
const loneSurrogates = /\p{Surrogate}/gu;

/** The contents of `vocab.json` and `merges.txt`, and what `tokenizer_config.json` says. */
export interface ClipVocabulary {
  /** Id of every token. */
  readonly ids: ReadonlyMap<string, number>;
  /** Pairs of tokens that merge, most frequent first. */
  readonly merges: readonly (readonly [left: string, right: string])[];
  /** Default `<|startoftext|>`. */
  readonly bosToken?: string;
  /** Default `<|endoftext|>`. */
  readonly eosToken?: string;
  /** Default: the end token, as in Stable Diffusion 1; Stable Diffusion 2 has `!`. */
  readonly padToken?: string;
  /** Tokens per text, start and end included. Default 77. */
  readonly maxLength?: number;
}

/** Turns texts into the fixed-length id sequences that CLIP's text encoder reads. */
export interface ClipTokenizer {
  readonly vocabSize: number;
  readonly maxLength: number;
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** Ids of the text alone: no start, no end, no limit. */
  tokenize(text: string): number[];
  /** Start, text (cut to fit), end, padding: [maxLength]. */
  encode(text: string): Int32Array;
}

/**
 * @throws CheckpointError `TOKENIZER` if a special token is missing, a merge makes a token that has no id, or the
 *   vocabulary lacks a byte
 */
export function createClipTokenizer(vocabulary: ClipVocabulary): ClipTokenizer {
  const { ids, bosToken = '<|startoftext|>', eosToken = '<|endoftext|>', maxLength = 77 } = vocabulary;
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) {
      throw new CheckpointError('TOKENIZER', `the CLIP vocabulary has no token ${quoted(token)}`);
    }
    return id;
  };
  if (!Number.isInteger(maxLength) || maxLength < 2) {
    throw new CheckpointError('TOKENIZER', `model_max_length must be a whole number >= 2, got ${maxLength}`);
  }
  const [bosId, eosId, padId] = [idOf(bosToken), idOf(eosToken), idOf(vocabulary.padToken ?? eosToken)];
  const encodeWord = wordEncoder(vocabulary, idOf);
  const tokenize = (text: string): number[] => {
    const output: number[] = [];
    for (const [piece] of normalized(text).matchAll(word)) {
      for (const id of encodeWord(piece)) output.push(id);
    }
    return output;
  };
  return {
    vocabSize: ids.size,
    maxLength,
    bosId,
    eosId,
    padId,
    tokenize,
    encode: (text) => {
      const inner = tokenize(text).slice(0, maxLength - 2);
      const row = new Int32Array(maxLength).fill(padId);
      row.set([bosId, ...inner, eosId]);
      return row;
    },
  };
}

/** Composed, lower case letter by letter (a final sigma stays σ), lone surrogates as U+FFFD. */
function normalized(text: string): string {
  let lower = '';
  for (const char of text.replace(loneSurrogates, '\ufffd').normalize('NFC')) lower += char.toLowerCase();
  return lower;
}

/** Ids of one word, by merging its bytes; the last byte carries the end of the word. */
function wordEncoder(
  { merges }: ClipVocabulary,
  idOf: (token: string) => number,
): (piece: string) => readonly number[] {
  const texts = [...byteChars, ...byteChars.map((char) => char + WORD_END)];
  const symbolOf = new Map(texts.map((text, symbol) => [text, symbol]));
  const pairs = new PairTable(merges.length);
  for (const [rank, [left, right]] of merges.entries()) {
    const [a, b] = [symbolOf.get(left), symbolOf.get(right)];
    if (a === undefined || b === undefined) {
      throw new CheckpointError(
        'TOKENIZER',
        `merge ${rank} joins ${quoted(left)} and ${quoted(right)}, which no earlier merge makes`,
      );
    }
    let merged = symbolOf.get(left + right);
    if (merged === undefined) {
      merged = texts.length;
      texts.push(left + right);
      symbolOf.set(left + right, merged);
    }
    if (pairs.find(a, b) < 0) pairs.add(a, b, rank, merged);
  }
  const tokenIds = texts.map(idOf);
  const merger = new Merger({
    rank: (left, right) => {
      const slot = pairs.find(left, right);
      return slot < 0 ? -1 : pairs.rankAt(slot);
    },
    merged: (left, right) => pairs.mergedAt(pairs.find(left, right)),
  });
  const cache = new Map<string, readonly number[]>();
  return (piece) => {
    const known = cache.get(piece);
    if (known !== undefined) return known;
    const symbols = Int32Array.from(Buffer.from(piece, 'utf8'));
    symbols[symbols.length - 1] = symbols[symbols.length - 1]! + byteChars.length;
    const count = merger.run(symbols, symbols.length);
    const tokens = Array.from(symbols.subarray(0, count), (symbol) => tokenIds[symbol]!);
    if (cache.size >= maxCachedWords) cache.clear();
    cache.set(piece, tokens);
    return tokens;
  };
}
