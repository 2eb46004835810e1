import { describe, expect, it } from 'vitest';
import { mirrorInstruction, mirrorPicture } from './flip.js';

describe('mirroring', () => {
  it('exchanges the words that a mirror exchanges, and no others', () => {
    expect(mirrorInstruction('move the leftmost ball to the right of the cube')).toBe(
      'move the rightmost ball to the left of the cube',
    );
    expect(mirrorInstruction('make the bright cube stand upright')).toBe(
      'make the bright cube stand upright',
    );
    expect(mirrorInstruction('turn it clockwise')).toBe('turn it counterclockwise');
  });

  it('is its own inverse', () => {
    const rgb = Uint8Array.from({ length: 3 * 4 * 2 }, (_, i) => i);
    expect([...mirrorPicture(rgb, 4).subarray(0, 3)]).toEqual([9, 10, 11]);
    expect(mirrorPicture(mirrorPicture(rgb, 4), 4)).toEqual(rgb);
  });
});
