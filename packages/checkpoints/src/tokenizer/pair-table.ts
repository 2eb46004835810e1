/**
 * Hash table from a pair of symbols to what they merge into: open addressing over typed arrays, because a `Map` with
 * number or string keys is several times slower and this lookup is the inner loop of every tokenizer.
 */
export class PairTable {
  #mask: number;
  #count = 0;
  #left: Int32Array; // -1 marks a free slot
  #right: Int32Array;
  #rank: Int32Array;
  #merged: Int32Array;

  /** @param expectedPairs sizes the table; it grows as needed */
  constructor(expectedPairs = 1 << 10) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, expectedPairs * 2)));
    this.#mask = capacity - 1;
    this.#left = new Int32Array(capacity).fill(-1);
    this.#right = new Int32Array(capacity);
    this.#rank = new Int32Array(capacity);
    this.#merged = new Int32Array(capacity);
  }

  get size(): number {
    return this.#count;
  }

  /** Slot of a pair, or -1. Slots are valid until the next `add`. */
  find(left: number, right: number): number {
    let slot = this.#hash(left, right);
    for (;;) {
      const at = this.#left[slot]!;
      if (at === left && this.#right[slot] === right) return slot;
      if (at === -1) return -1;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Order of the merge in a slot: lower merges first. */
  rankAt(slot: number): number {
    return this.#rank[slot]!;
  }

  /** Symbol that the pair in a slot merges into, or -1 if it does not merge. */
  mergedAt(slot: number): number {
    return this.#merged[slot]!;
  }

  /** Adds a pair that is not in the table yet and returns its slot. */
  add(left: number, right: number, rank: number, merged: number): number {
    if (this.#count * 2 > this.#mask) this.#grow();
    this.#count++;
    let slot = this.#hash(left, right);
    while (this.#left[slot] !== -1) slot = (slot + 1) & this.#mask;
    this.#left[slot] = left;
    this.#right[slot] = right;
    this.#rank[slot] = rank;
    this.#merged[slot] = merged;
    return slot;
  }

  #hash(left: number, right: number): number {
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }

  #grow(): void {
    const [left, right, rank, merged] = [this.#left, this.#right, this.#rank, this.#merged];
    const capacity = left.length * 2;
    this.#mask = capacity - 1;
    this.#left = new Int32Array(capacity).fill(-1);
    this.#right = new Int32Array(capacity);
    this.#rank = new Int32Array(capacity);
    this.#merged = new Int32Array(capacity);
    this.#count = 0;
    for (let i = 0; i < left.length; i++) {
      if (left[i] !== -1) this.add(left[i]!, right[i]!, rank[i]!, merged[i]!);
    }
  }
}
