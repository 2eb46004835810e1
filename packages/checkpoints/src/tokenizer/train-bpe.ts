import { CheckpointError } from '../errors.js';

/** What {@link trainByteLevelBpe} learned, in the spelling that GGUF's `tokenizer.ggml.*` keys use. */
export interface ByteLevelBpe {
  /** Token texts by id, bytes spelled with GPT-2's printable stand-ins. Special tokens come last. */
  readonly tokens: readonly string[];
  /** Merge rules, best first: two token texts with a space between them. */
  readonly merges: readonly string[];
}

export interface TrainBpeOptions {
  /** Size of the whole vocabulary: 256 bytes, merges and special tokens. */
  readonly vocabSize: number;
  /** Texts of control tokens, given the last ids in this order. */
  readonly specialTokens?: readonly string[];
}

/** GPT-2's split of a text into words, contractions, numbers, punctuation and spaces. */
const GPT2_PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/**
 * Learns a byte-level BPE vocabulary (Sennrich et al. 2016 over bytes, split as GPT-2 does). Deterministic: of equally
 * frequent pairs the one with the smaller token ids is merged first.
 * @throws CheckpointError `ARGUMENT` if the vocabulary is too small or the text has too few different pairs.
 */
export function trainByteLevelBpe(texts: Iterable<string>, options: TrainBpeOptions): ByteLevelBpe {
  const special = options.specialTokens ?? [];
  const mergeCount = options.vocabSize - 256 - special.length;
  if (!Number.isInteger(mergeCount) || mergeCount < 0 || options.vocabSize > 65536) {
    throw new CheckpointError(
      'ARGUMENT',
      `vocabSize ${options.vocabSize} must be between ${256 + special.length} and 65536`,
    );
  }
  const words = countWords(texts);
  const pairs = new PairIndex(words);
  const tokens = byteAlphabet();
  const merges: string[] = [];
  while (merges.length < mergeCount) {
    const best = pairs.mostFrequent();
    if (best === undefined) {
      throw new CheckpointError(
        'ARGUMENT',
        `the text yields only ${merges.length} merges; lower vocabSize to ${256 + special.length + merges.length}`,
      );
    }
    const [left, right] = [tokens[best.left] ?? '', tokens[best.right] ?? ''];
    merges.push(`${left} ${right}`);
    pairs.merge(best.left, best.right, tokens.length);
    tokens.push(left + right);
  }
  return { tokens: [...tokens, ...special], merges };
}

interface Word {
  ids: number[];
  readonly count: number;
}

function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(GPT2_PIECES)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  const encoder = new TextEncoder();
  return [...counts].map(([piece, count]) => ({ ids: [...encoder.encode(piece)].map(idOfByte), count }));
}

/** How often each pair of neighbouring tokens occurs, and in which words; kept up to date while merging. */
class PairIndex {
  private readonly counts = new Map<number, number>();
  private readonly wordsOf = new Map<number, Set<Word>>();

  constructor(words: readonly Word[]) {
    for (const word of words) this.addPairs(word);
  }

  mostFrequent(): { left: number; right: number } | undefined {
    let bestKey = -1;
    let bestCount = 1;
    for (const [key, count] of this.counts) {
      if (count > bestCount || (count === bestCount && key < bestKey)) {
        bestKey = key;
        bestCount = count;
      }
    }
    return bestKey < 0 ? undefined : { left: Math.floor(bestKey / 65536), right: bestKey % 65536 };
  }

  merge(left: number, right: number, merged: number): void {
    for (const word of [...(this.wordsOf.get(pairKey(left, right)) ?? [])]) {
      this.removePairs(word);
      word.ids = replacePair(word.ids, left, right, merged);
      this.addPairs(word);
    }
  }

  private addPairs(word: Word): void {
    forEachPair(word.ids, (key) => {
      this.counts.set(key, (this.counts.get(key) ?? 0) + word.count);
      const owners = this.wordsOf.get(key);
      if (owners === undefined) this.wordsOf.set(key, new Set([word]));
      else owners.add(word);
    });
  }

  private removePairs(word: Word): void {
    forEachPair(word.ids, (key) => {
      const rest = (this.counts.get(key) ?? 0) - word.count;
      if (rest > 0) this.counts.set(key, rest);
      else this.counts.delete(key);
      this.wordsOf.get(key)?.delete(word);
    });
  }
}

const pairKey = (left: number, right: number): number => left * 65536 + right;

function forEachPair(ids: readonly number[], visit: (key: number) => void): void {
  for (let k = 1; k < ids.length; k++) visit(pairKey(ids[k - 1] ?? 0, ids[k] ?? 0));
}

function replacePair(ids: readonly number[], left: number, right: number, merged: number): number[] {
  const result: number[] = [];
  for (let k = 0; k < ids.length; k++) {
    if (ids[k] === left && ids[k + 1] === right) {
      result.push(merged);
      k++;
    } else {
      result.push(ids[k] ?? 0);
    }
  }
  return result;
}

/** Bytes that GPT-2 spells as themselves. Their ids come first, in this order, as in GPT-2's own vocabulary. */
const PRINTABLE_BYTES = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
const OTHER_BYTES = range(0, 0xff).filter((byte) => !PRINTABLE_BYTES.includes(byte));

/** One-character spellings of the 256 bytes in id order; the bytes that do not print are spelled from U+0100 on. */
function byteAlphabet(): string[] {
  return [
    ...PRINTABLE_BYTES.map((byte) => String.fromCodePoint(byte)),
    ...OTHER_BYTES.map((_byte, index) => String.fromCodePoint(0x100 + index)),
  ];
}

const ID_OF_BYTE = Uint16Array.from({ length: 256 }, (_, byte) =>
  [...PRINTABLE_BYTES, ...OTHER_BYTES].indexOf(byte),
);

function idOfByte(byte: number): number {
  return ID_OF_BYTE[byte] ?? 0;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, k) => first + k);
}
