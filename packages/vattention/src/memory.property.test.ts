/** Random sequences of operations against a plain model, over both backings, many shapes and bad timing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupsFor } from './geometry.js';
import { KvMemory } from './memory.js';
import { kvSettings, openBacking } from './options.js';
import { LateArena } from './testing/late-arena.js';

interface Shape {
  readonly headDim: number;
  readonly layers: number;
  readonly maxTokens: number;
  readonly slots: number;
  readonly blockTokens: number;
  readonly pageGroupBytes: number;
  readonly budgetGroups: number;
  readonly lookAheadTokens: number;
  readonly deferredReclaim: boolean;
  readonly freeShare: number;
  readonly eagerTokens: number;
  /** How often background work turns out to have advanced when somebody asks; `null`: the real thread decides. */
  readonly promptness: number | null;
}

type Operation =
  | { readonly type: 'acquire'; readonly expected: number }
  | { readonly type: 'step'; readonly grow: readonly number[]; readonly next: readonly number[] | null }
  | { readonly type: 'release'; readonly pick: number; readonly keep: boolean | null }
  | { readonly type: 'truncate'; readonly pick: number; readonly share: number }
  | { readonly type: 'reclaim'; readonly bytes: number }
  | { readonly type: 'trim' }
  | { readonly type: 'flush' };

const shapes: fc.Arbitrary<Shape> = fc.record({
  headDim: fc.constantFrom(64, 96, 256, 1000), // 512 bytes a row, and rows that straddle pages
  layers: fc.integer({ min: 1, max: 3 }),
  maxTokens: fc.integer({ min: 1, max: 150 }),
  slots: fc.integer({ min: 1, max: 6 }),
  blockTokens: fc.constantFrom(1, 1, 16),
  pageGroupBytes: fc.constantFrom(4096, 4096, 16_384, 65_536),
  budgetGroups: fc.integer({ min: 1, max: 60 }),
  lookAheadTokens: fc.constantFrom(0, 0, 1, 8, 40),
  deferredReclaim: fc.boolean(),
  freeShare: fc.constantFrom(0, 0.1, 0.5),
  eagerTokens: fc.constantFrom(0, 0, 20),
  promptness: fc.constantFrom(null, 0, 0.2, 0.6),
});

const growth = fc.oneof(fc.constant(0), fc.constant(1), fc.constant(1), fc.nat(30));
const operations: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('acquire' as const), expected: fc.nat(60) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('step' as const),
      grow: fc.array(growth, { minLength: 6, maxLength: 6 }),
      next: fc.option(fc.array(growth, { minLength: 6, maxLength: 6 }), { freq: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('release' as const),
      pick: fc.nat(5),
      keep: fc.option(fc.boolean()),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('truncate' as const),
      pick: fc.nat(5),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reclaim' as const), bytes: fc.nat(1_000_000) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'trim' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'flush' as const }) },
);

/** What a sequence is to the model: who it is, how long, and how far memory may have been committed for it. */
interface Sequence {
  readonly id: number;
  tokens: number;
  bound: number;
}

class Harness {
  readonly memory: KvMemory;
  readonly #shape: Shape;
  readonly #running = new Map<number, Sequence>();
  #ids = 0;

  constructor(shape: Shape, backing: 'memfd' | 'anonymous') {
    this.#shape = shape;
    const settings = kvSettings({
      geometry: { ...shape, kvHeads: 2, elementBytes: 2 },
      budgetBytes: shape.budgetGroups * 2 * shape.layers * shape.pageGroupBytes + 4095,
      lookAheadTokens: Math.min(shape.lookAheadTokens, shape.maxTokens),
      deferredReclaim: shape.deferredReclaim,
      freeShare: shape.freeShare,
      eagerTokens: Math.min(shape.eagerTokens, shape.maxTokens),
    });
    const { arena } = openBacking(settings.geometry, false, backing);
    const timed = shape.promptness === null ? arena : new LateArena(arena, shape.promptness);
    this.memory = new KvMemory({ ...settings, backing }, timed);
  }

  run(operation: Operation): void {
    const { memory } = this;
    switch (operation.type) {
      case 'acquire': {
        const slot = memory.acquire(Math.min(operation.expected, this.#shape.maxTokens));
        expect(slot === undefined).toBe(this.#running.size === this.#shape.slots);
        if (slot === undefined) return;
        expect(this.#running.has(slot)).toBe(false);
        this.#running.set(slot, { id: ++this.#ids, tokens: 0, bound: 0 });
        return;
      }
      case 'step':
        this.#step(operation.grow, operation.next);
        return;
      case 'release': {
        const picked = this.#pick(operation.pick);
        if (picked === undefined) return;
        memory.release(picked[0], operation.keep === null ? {} : { keep: operation.keep });
        this.#running.delete(picked[0]);
        return;
      }
      case 'truncate': {
        const picked = this.#pick(operation.pick);
        if (picked === undefined) return;
        const [slot, sequence] = picked;
        sequence.tokens = Math.floor(sequence.tokens * operation.share);
        sequence.bound = sequence.tokens;
        memory.truncate(slot, sequence.tokens);
        expect(memory.snapshot().slots[slot]?.committedBytes).toBe(memory.bytesFor(sequence.tokens));
        return;
      }
      case 'reclaim': {
        const before = memory.snapshot();
        const spare = before.slots.reduce(
          (sum, slot) => sum + slot.committedBytes - memory.bytesFor(slot.tokens),
          0,
        );
        const given = memory.reclaim(operation.bytes);
        expect(given).toBeGreaterThanOrEqual(Math.min(operation.bytes, spare));
        return;
      }
      case 'trim':
        memory.trim();
        for (const slot of memory.snapshot().slots) expect(slot.state).not.toBe('cached');
        return;
      case 'flush': {
        memory.flush();
        const { residentBytes, committedBytes, slots } = memory.snapshot();
        expect(residentBytes).toBe(committedBytes);
        expect(committedBytes).toBe(slots.reduce((sum, slot) => sum + slot.committedBytes, 0));
        this.checkContent();
      }
    }
  }

  #pick(index: number): [number, Sequence] | undefined {
    return [...this.#running][index % Math.max(1, this.#running.size)];
  }

  #step(grow: readonly number[], plans: readonly number[] | null): void {
    const { memory } = this;
    const { maxTokens, slots, lookAheadTokens, budgetGroups } = this.#shape;
    const lengths = new Int32Array(slots);
    const next = new Int32Array(slots);
    let neededGroups = 0;
    for (const [slot, { tokens }] of this.#running) {
      const length = grow[slot] === 0 ? 0 : Math.min(maxTokens, tokens + grow[slot]!);
      lengths[slot] = length;
      next[slot] = plans === null || length === 0 ? 0 : Math.min(maxTokens, length + plans[slot]!);
      neededGroups += groupsFor(memory.geometry, Math.max(tokens, length));
    }
    const before = memory.snapshot();
    const result = plans === null ? memory.step(lengths) : memory.step(lengths, next);
    // A deficit if and only if the needs of all sequences exceed the budget, by exactly what is missing.
    const missing = Math.max(0, neededGroups - budgetGroups);
    expect(result.deficitBytes).toBe(missing * memory.geometry.groupRowBytes);
    if (missing > 0) {
      expect(memory.snapshot().slots).toEqual(before.slots);
      return;
    }
    for (const [slot, sequence] of this.#running) {
      const length = lengths[slot]!;
      if (length === 0) continue;
      this.#write(slot, sequence.id, sequence.tokens, length);
      sequence.tokens = Math.max(sequence.tokens, length);
      sequence.bound = Math.max(sequence.bound, length + lookAheadTokens, next[slot]!);
    }
  }

  /** Every byte of a token tells whose it is, which token and which tensor. */
  #bytes(id: number, from: number, to: number, tensor: number): Uint8Array {
    const { rowBytes } = this.memory.geometry;
    const bytes = new Uint8Array((to - from) * rowBytes);
    for (let token = from; token < to; token++) {
      bytes.fill(
        1 + ((id * 53 + token * 7 + tensor * 3) % 255),
        (token - from) * rowBytes,
        (token + 1 - from) * rowBytes,
      );
    }
    return bytes;
  }

  #write(slot: number, id: number, from: number, to: number): void {
    const { memory } = this;
    for (let tensor = 0; tensor < memory.geometry.tensors; tensor++) {
      const offset = slot * memory.slotBytes + tensor * memory.tensorBytes + from * memory.geometry.rowBytes;
      expect(memory.arena.write(offset, this.#bytes(id, from, to, tensor))).toBe(0);
      // The block's other tokens share its bytes: there is memory for all of them.
      const end = Math.ceil(to / memory.geometry.blockTokens) * memory.geometry.blockTokens;
      const rest = new Uint8Array((end - to) * memory.geometry.rowBytes);
      expect(memory.arena.write(offset + (to - from) * memory.geometry.rowBytes, rest)).toBe(0);
    }
  }

  /** Every byte of every sequence is its own. */
  checkContent(): void {
    const { memory } = this;
    for (const [slot, { id, tokens }] of this.#running) {
      for (let tensor = 0; tensor < memory.geometry.tensors; tensor++) {
        const expected = this.#bytes(id, 0, tokens, tensor);
        const found = new Uint8Array(expected.length);
        memory.arena.read(slot * memory.slotBytes + tensor * memory.tensorBytes, found);
        expect(Buffer.compare(found, expected)).toBe(0);
      }
    }
  }

  /** What holds after any operation, background work or not. */
  checkInvariants(): void {
    const { memory } = this;
    const { deferredReclaim, eagerTokens, maxTokens } = this.#shape;
    const snapshot = memory.snapshot();
    expect(snapshot.committedBytes).toBeLessThanOrEqual(memory.budgetBytes);
    expect(snapshot.residentBytes).toBeLessThanOrEqual(snapshot.committedBytes);
    for (const { slot, state, tokens, committedBytes } of snapshot.slots) {
      const sequence = this.#running.get(slot);
      expect(state === 'active').toBe(sequence !== undefined);
      expect(tokens).toBe(sequence?.tokens ?? 0);
      expect(committedBytes).toBeGreaterThanOrEqual(memory.bytesFor(tokens));
      if (this.#keptSomething || deferredReclaim || eagerTokens > 0) continue;
      // Nothing is inherited, so no block lies beyond a sequence's length and its look-ahead.
      expect(committedBytes).toBeLessThanOrEqual(memory.bytesFor(Math.min(maxTokens, sequence?.bound ?? 0)));
    }
  }
  #keptSomething = false;

  noteKept(operation: Operation): void {
    if (operation.type === 'release' && operation.keep === true) this.#keptSomething = true;
  }

  /** After the last release the system holds nothing. */
  end(): void {
    this.checkContent();
    for (const slot of this.#running.keys()) this.memory.release(slot, { keep: false });
    this.memory.trim();
    this.memory.flush();
    expect(this.memory.snapshot().residentBytes).toBe(0);
    expect(this.memory.snapshot().committedBytes).toBe(0);
    expect(this.memory.availableBytes()).toBe(this.#shape.budgetGroups * this.memory.geometry.groupRowBytes);
  }
}

const backings = process.platform === 'linux' ? (['memfd', 'anonymous'] as const) : (['anonymous'] as const);

describe.each(backings)('KvMemory over %s memory, random operations', (backing) => {
  it('agrees with a plain model: isolation, exact counts, budget, nothing left behind', () => {
    fc.assert(
      fc.property(
        shapes,
        fc.array(operations, { minLength: 1, maxLength: 60, size: 'max' }),
        (shape, list) => {
          const harness = new Harness(shape, backing);
          try {
            for (const operation of list) {
              harness.noteKept(operation);
              harness.run(operation);
              harness.checkInvariants();
            }
            harness.end();
          } finally {
            harness.memory.dispose();
          }
        },
      ),
      { numRuns: Number(process.env.TRIPTYCH_KV_RUNS ?? 150) },
    );
  });
});
