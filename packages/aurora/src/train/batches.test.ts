import { expect, it } from 'vitest';
import { makeBatch } from './batches.js';
import type { PairCache } from './pair-cache.js';

const SIDE = 16;

/** Pictures of one grey in which the first `changed` pixels become white. */
function cacheOf(changed: number): PairCache {
  const before = new Uint8Array(3 * SIDE * SIDE).fill(100);
  const after = before.slice().fill(255, 0, 3 * changed);
  return {
    side: SIDE,
    examples: [{ instruction: 'x', kind: 'recolour', source: 0, target: 1 }],
    picture: async (index) => (index === 0 ? before : after),
    close: async () => undefined,
  };
}

it('weighs what changes the same in every example, and more than the rest', async () => {
  for (const changed of [16, 64, 256]) {
    const batch = await makeBatch(
      [{ set: 'a', index: 0, seed: 1 } as Parameters<typeof makeBatch>[0][number]],
      {
        caches: new Map([['a', cacheOf(changed)]]),
        window: { width: SIDE, height: SIDE },
        dropoutRate: 0,
        changedWeight: 2,
        pureNoiseShare: 1,
        encode: () => new Int32Array(3),
        alphas: Float32Array.of(0),
      },
    );
    const marks = [...(batch.changed as Float32Array)];
    const weights = [...(batch.weight as Float32Array)];
    expect(marks.filter((mark) => mark === 1)).toHaveLength(changed);
    const sum = weights.reduce((total, weight, i) => total + (marks[i] === 1 ? weight : 0), 0);
    expect(sum).toBeCloseTo(SIDE * SIDE, 3);
    const unit = (SIDE * SIDE) / changed;
    expect(weights.every((weight, i) => Math.abs(weight - (marks[i] === 1 ? unit : unit / 2)) < 1e-4)).toBe(
      true,
    );
  }
});
