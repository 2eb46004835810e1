import { NumberHeap } from './number-heap.js';

/** Answers which pairs of symbols merge. */
export interface MergeRules {
  /** Rank of merging two neighbours (lower first, ties leftmost first), or -1 if they do not merge. */
  rank(left: number, right: number): number;
  /** The symbol that two neighbours merge into; called only for pairs with a rank. */
  merged(left: number, right: number): number;
}

const maxPositions = 2 ** 29; // no JavaScript string is longer; ranks stay below 2^24, so keys are exact integers
const maxKeptScratch = 1 << 20; // symbols

/**
 * Merges neighbouring symbols, always the pair of lowest rank (ties: leftmost), until no pair merges. Linked list plus
 * heap: O(n log n), so a megabyte without a single word boundary is no denial of service. Equivalent to the queue of
 * bigrams in llama.cpp's SPM and BPE tokenizers. Keeps its scratch memory between calls,
 * but not that of a huge one.
 */
export class Merger {
  readonly #rules: MergeRules;
  #heap = new NumberHeap();
  #previous = new Int32Array(0);
  #next = new Int32Array(0);

  constructor(rules: MergeRules) {
    this.#rules = rules;
  }

  /** Merges the first `count` symbols in place and returns how many are left (at the front of `symbols`). */
  run(symbols: Int32Array, count: number): number {
    this.#link(count);
    for (let i = 0; i + 1 < count; i++) this.#offer(symbols, i);
    for (let key = this.#heap.pop(); key >= 0; key = this.#heap.pop()) {
      const left = key % maxPositions;
      this.#mergeAt(symbols, left, (key - left) / maxPositions, count);
    }
    let kept = 0;
    for (let i = 0; i < count; i = this.#next[i]!) symbols[kept++] = symbols[i]!;
    if (count > maxKeptScratch) this.#free();
    return kept;
  }

  #link(count: number): void {
    if (this.#next.length < count) {
      this.#previous = new Int32Array(count * 2);
      this.#next = new Int32Array(count * 2);
    }
    for (let i = 0; i < count; i++) {
      this.#previous[i] = i - 1;
      this.#next[i] = i + 1;
    }
    this.#heap.clear();
  }

  #free(): void {
    this.#previous = new Int32Array(0);
    this.#next = new Int32Array(0);
    this.#heap = new NumberHeap();
  }

  /** Queues the pair that starts at `left` if it merges. */
  #offer(symbols: Int32Array, left: number): void {
    const rank = this.#rules.rank(symbols[left]!, symbols[this.#next[left]!]!);
    if (rank >= 0) this.#heap.push(rank * maxPositions + left);
  }

  #mergeAt(symbols: Int32Array, left: number, rank: number, count: number): void {
    const right = this.#next[left]!;
    // Stale entries: `left` was swallowed (marked -1), is last now, or its pair has changed since it was queued.
    if (symbols[left] === -1 || right >= count) return;
    if (this.#rules.rank(symbols[left]!, symbols[right]!) !== rank) return;
    symbols[left] = this.#rules.merged(symbols[left]!, symbols[right]!);
    symbols[right] = -1;
    const after = this.#next[right]!;
    this.#next[left] = after;
    if (after < count) {
      this.#previous[after] = left;
      this.#offer(symbols, left);
    }
    const before = this.#previous[left]!;
    if (before >= 0) this.#offer(symbols, before);
  }
}
