import { CheckpointError, quoted } from '../errors.js';
import { byteChars, bytesToChars } from './byte-chars.js';
import { Merger } from './merge.js';
import { PairTable } from './pair-table.js';
import type { PreTokenizer } from './pre-tokenize.js';
import type { Vocabulary } from './vocabulary.js';

const maxCachedWords = 1 << 16;
const maxCachedLength = 64;

/** Symbols: every string that takes part in a merge, bytes first. */
class SymbolTable {
  readonly texts: string[] = [...byteChars];
  readonly #idOf = new Map<string, number>(byteChars.map((char, byte) => [char, byte]));

  intern(text: string): number {
    let id = this.#idOf.get(text);
    if (id === undefined) {
      id = this.texts.length;
      this.texts.push(text);
      this.#idOf.set(text, id);
    }
    return id;
  }
}

function readMerges(merges: readonly string[], symbols: SymbolTable): PairTable {
  const pairs = new PairTable(merges.length);
  for (const [rank, merge] of merges.entries()) {
    const gap = merge.indexOf(' ', 1); // a first space would belong to the left part
    if (gap < 0 || gap === merge.length - 1) {
      throw new CheckpointError(
        'TOKENIZER',
        `metadata "tokenizer.ggml.merges": entry ${rank} is ${quoted(merge)}, not two tokens`,
      );
    }
    const [left, right] = [merge.slice(0, gap), merge.slice(gap + 1)];
    const [leftId, rightId] = [symbols.intern(left), symbols.intern(right)];
    // The first of equal entries counts, as in llama.cpp.
    if (pairs.find(leftId, rightId) < 0) pairs.add(leftId, rightId, rank, symbols.intern(left + right));
  }
  return pairs;
}

/** Tokens of each symbol: itself, or what is left of it when the vocabulary lacks it (as llama.cpp does). */
function symbolTokens(symbols: SymbolTable, { idOf }: Vocabulary): (readonly number[])[] {
  return symbols.texts.map((text) => {
    const id = idOf.get(text);
    if (id !== undefined) return [id];
    const ascii = [...text].filter((char) => char < '\u0080');
    return ascii.map((char) => idOf.get(char)).filter((token) => token !== undefined);
  });
}

/** Byte-level BPE: words by pre-tokenizer, then merges by rank within each word; words are cached. */
export class BytePairEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #preTokenizer: PreTokenizer;
  readonly #merger: Merger;
  readonly #tokens: (readonly number[])[];
  readonly #cache = new Map<string, readonly number[]>();
  #symbols = new Int32Array(256);
  #bytes = Buffer.alloc(256);

  constructor(vocabulary: Vocabulary, merges: readonly string[], preTokenizer: PreTokenizer) {
    const symbols = new SymbolTable();
    const pairs = readMerges(merges, symbols);
    this.#vocabulary = vocabulary;
    this.#preTokenizer = preTokenizer;
    this.#tokens = symbolTokens(symbols, vocabulary);
    this.#merger = new Merger({
      rank: (left, right) => {
        const slot = pairs.find(left, right);
        return slot < 0 ? -1 : pairs.rankAt(slot);
      },
      merged: (left, right) => pairs.mergedAt(pairs.find(left, right)),
    });
  }

  /** Appends the tokens of `text` (well-formed, no special tokens in it) to `output`. */
  encode(text: string, output: number[]): void {
    this.#preTokenizer.split(text, (word) => {
      const tokens = this.#cache.get(word) ?? this.#encodeWord(word);
      for (let i = 0; i < tokens.length; i++) output.push(tokens[i]!);
    });
  }

  #encodeWord(word: string): readonly number[] {
    const byteCount = this.#toBytes(word);
    const tokens = this.#wholeWord(byteCount) ?? this.#mergeWord(byteCount);
    if (word.length <= maxCachedLength) {
      if (this.#cache.size >= maxCachedWords) this.#cache.clear();
      this.#cache.set(word, tokens);
    }
    return tokens;
  }

  #toBytes(word: string): number {
    const maxBytes = word.length * 3;
    if (this.#bytes.length < maxBytes) {
      this.#bytes = Buffer.alloc(maxBytes);
      this.#symbols = new Int32Array(maxBytes);
    }
    return this.#bytes.write(word, 'utf8');
  }

  #wholeWord(byteCount: number): readonly number[] | undefined {
    if (!this.#preTokenizer.ignoreMerges || byteCount > 1024) return undefined;
    const id = this.#vocabulary.idOf.get(bytesToChars(this.#bytes.subarray(0, byteCount)));
    return id === undefined ? undefined : [id];
  }

  #mergeWord(byteCount: number): readonly number[] {
    const symbols = this.#symbols;
    for (let i = 0; i < byteCount; i++) symbols[i] = this.#bytes[i]!;
    const count = this.#merger.run(symbols, byteCount);
    const tokens: number[] = [];
    for (let i = 0; i < count; i++) tokens.push(...this.#tokens[symbols[i]!]!);
    return tokens;
  }
}
