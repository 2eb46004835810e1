import { NgramTrie } from './ngram-trie.js';

/**
 * Interpolated modified Kneser-Ney model (Chen and Goodman 1998, section 3): the longest order uses counts, shorter ones
 * the number of different symbols seen in front, the shortest is interpolated with the uniform distribution.
 */
export class KneserNey {
  private readonly trie: NgramTrie;
  private readonly symbolCount: number;
  /** Per context: sum of the adjusted counts of its successors, and the mass that discounting frees. */
  private readonly totals: Float64Array;
  private readonly freed: Float64Array;
  /** Discounts by order (from 1) and by adjusted count 1, 2, 3 or more. */
  private readonly discounts: readonly (readonly number[])[];
  private readonly depths: Uint8Array;

  /** @param symbolCount size of the alphabet. */
  constructor(texts: Iterable<ArrayLike<number>>, order: number, symbolCount: number) {
    this.trie = new NgramTrie(order);
    this.symbolCount = symbolCount;
    for (const text of texts) this.trie.add(text);
    const nodeCount = this.trie.nodeCount;
    this.depths = new Uint8Array(nodeCount);
    for (let node = 1; node < nodeCount; node++) {
      this.depths[node] = (this.depths[this.trie.parentOf(node)] as number) + 1;
    }
    this.discounts = this.estimateDiscounts();
    this.totals = new Float64Array(nodeCount);
    this.freed = new Float64Array(nodeCount);
    for (let node = 1; node < nodeCount; node++) {
      const parent = this.trie.parentOf(node);
      this.totals[parent] = (this.totals[parent] as number) + this.adjustedCount(node);
      this.freed[parent] = (this.freed[parent] as number) + this.discountOf(node);
    }
  }

  /** Total information of a text in bits: -sum log2 p(symbol | the symbols before it). */
  bits(text: ArrayLike<number>): number {
    let bits = 0;
    let contexts = [0];
    for (let position = 0; position < text.length; position++) {
      const symbol = text[position] as number;
      bits -= Math.log2(this.probability(contexts, symbol));
      contexts = this.extend(contexts, symbol);
    }
    return bits;
  }

  /** Probability of a symbol; `contexts[k]` is the node of the last k symbols, -1 if they were never seen. */
  probability(contexts: readonly number[], symbol: number): number {
    let probability = 1 / this.symbolCount;
    for (const context of contexts) {
      const total = context < 0 ? 0 : (this.totals[context] as number);
      if (total === 0) break;
      const node = this.trie.find(context, symbol);
      const kept = node < 0 ? 0 : this.adjustedCount(node) - this.discountOf(node);
      probability = (kept + (this.freed[context] as number) * probability) / total;
    }
    return probability;
  }

  /** The contexts after one more symbol. */
  extend(contexts: readonly number[], symbol: number): number[] {
    const next = [0];
    for (const context of contexts.slice(0, this.trie.order - 1)) {
      next.push(context < 0 ? -1 : this.trie.find(context, symbol));
    }
    return next;
  }

  private adjustedCount(node: number): number {
    return this.depths[node] === this.trie.order ? this.trie.countOf(node) : this.trie.continuationsOf(node);
  }

  private discountOf(node: number): number {
    const count = this.adjustedCount(node);
    const discounts = this.discounts[this.depths[node] as number];
    return count === 0 ? 0 : (discounts?.[Math.min(count, 3) - 1] ?? 0);
  }

  /** D1, D2, D3+ of every order from its counts of counts (equation 17 there). */
  private estimateDiscounts(): number[][] {
    const { order, nodeCount } = this.trie;
    const ofCount = Array.from({ length: order + 1 }, () => new Float64Array(5));
    for (let node = 1; node < nodeCount; node++) {
      const count = this.adjustedCount(node);
      const row = ofCount[this.depths[node] as number];
      if (row !== undefined && count < 5) row[count] = (row[count] as number) + 1;
    }
    return ofCount.map(([, n1 = 0, n2 = 0, n3 = 0, n4 = 0]) => {
      const y = n1 / (n1 + 2 * n2);
      return [
        [1, n1, n2],
        [2, n2, n3],
        [3, n3, n4],
      ].map(([k = 0, n = 0, following = 0]) => {
        const discount = k - ((k + 1) * y * following) / n;
        return discount > 0 && discount <= k ? discount : 0.5;
      });
    });
  }
}
