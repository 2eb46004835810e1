/**
 * Every n-gram of a training text up to one order, as a trie: the node of an n-gram hangs below the node of its first
 * n-1 symbols, its context. Node 0 is the empty context. Held in typed arrays with open addressing, because a book
 * shelf has tens of millions of n-grams.
 */
export class NgramTrie {
  readonly order: number;
  private size = 1;
  private parents = new Int32Array(1 << 16);
  private symbols = new Int32Array(1 << 16);
  private counts = new Int32Array(1 << 16);
  private continuations = new Int32Array(1 << 16);
  /** Node per hash cell, 0 for an empty one. Twice as many cells as nodes at least. */
  private table = new Int32Array(1 << 17);

  constructor(order: number) {
    this.order = order;
  }

  get nodeCount(): number {
    return this.size;
  }

  parentOf(node: number): number {
    return this.parents[node] as number;
  }

  /** How often the n-gram occurs. */
  countOf(node: number): number {
    return this.counts[node] as number;
  }

  /** Before how many different symbols' successors it occurs: the number of different symbols in front of the n-gram. */
  continuationsOf(node: number): number {
    return this.continuations[node] as number;
  }

  /** The node of `context` followed by `symbol`, or -1. */
  find(context: number, symbol: number): number {
    const node = this.table[this.cellOf(context, symbol)] as number;
    return node === 0 ? -1 : node;
  }

  /** Counts all n-grams of one text. N-grams do not reach across texts. */
  add(text: ArrayLike<number>): void {
    // nodes[k] is the n-gram of length k that ends at the last symbol read.
    let nodes = [0];
    for (let position = 0; position < text.length; position++) {
      const symbol = text[position] as number;
      const next = [0];
      for (let length = 1; length <= Math.min(this.order, nodes.length); length++) {
        next.push(this.count(nodes[length - 1] as number, symbol, next[length - 1] as number));
      }
      nodes = next;
    }
  }

  private count(context: number, symbol: number, suffix: number): number {
    const cell = this.cellOf(context, symbol);
    const existing = this.table[cell] as number;
    if (existing !== 0) {
      this.counts[existing] = (this.counts[existing] as number) + 1;
      return existing;
    }
    const node = this.size++;
    this.table[cell] = node;
    if (node >= this.parents.length) this.growNodes();
    this.parents[node] = context;
    this.symbols[node] = symbol;
    this.counts[node] = 1;
    this.continuations[suffix] = (this.continuations[suffix] as number) + 1;
    if (2 * this.size > this.table.length) this.growTable();
    return node;
  }

  /** The cell that holds the node, or the empty one where it belongs. */
  private cellOf(context: number, symbol: number): number {
    const mask = this.table.length - 1;
    let hash = Math.imul(context, 0x9e3779b1) ^ Math.imul(symbol + 1, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let cell = (hash ^ (hash >>> 13)) & mask;
    for (;;) {
      const node = this.table[cell] as number;
      if (node === 0 || (this.parents[node] === context && this.symbols[node] === symbol)) return cell;
      cell = (cell + 1) & mask;
    }
  }

  private growNodes(): void {
    this.parents = doubled(this.parents);
    this.symbols = doubled(this.symbols);
    this.counts = doubled(this.counts);
    this.continuations = doubled(this.continuations);
  }

  private growTable(): void {
    this.table = new Int32Array(2 * this.table.length);
    for (let node = 1; node < this.size; node++) {
      this.table[this.cellOf(this.parents[node] as number, this.symbols[node] as number)] = node;
    }
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
