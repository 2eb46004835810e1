import { describe, expect, it } from 'vitest';
import { copyArrays, ownedBuffers } from './transfer.js';

describe('copyArrays', () => {
  it('copies arrays wherever they are, and nothing else', () => {
    const shapes = new Map([['w', [2, 2]]]);
    const value = { kind: 'run', feeds: [{ x: Float32Array.of(1, 2) }], shapes, absent: undefined };
    const copy = copyArrays(value);
    expect(copy).toEqual(value);
    expect(copy.shapes).toBe(shapes);
    expect(copy.feeds[0]?.x.buffer).not.toBe(value.feeds[0]?.x.buffer);
  });

  it('copies the memory of a Node.js Buffer', () => {
    const bytes = Buffer.alloc(1 << 16, 7);
    const copy = copyArrays({ bytes });
    structuredClone(copy, { transfer: ownedBuffers(copy) });
    expect(bytes).toHaveLength(1 << 16);
  });
});

describe('ownedBuffers', () => {
  it('lists each memory once, and none of which an array is only a part', () => {
    const whole = Float32Array.of(1, 2, 3);
    const part = new Int32Array(8).subarray(2);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    expect(ownedBuffers({ id: 3, whole, again: [whole], part, shared })).toEqual([whole.buffer]);
  });
});
