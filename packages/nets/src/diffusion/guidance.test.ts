import { Random } from '@triptych/graph';
import { describe, expect, it } from 'vitest';
import { NetworkError } from '../errors.js';
import { conditioningDropout, joinLatents } from './conditioning.js';
import { type GuidanceBranch, guidanceBranches, guide } from './guidance.js';

const random = new Random(5);
const predictions: Record<GuidanceBranch, Float32Array> = {
  full: Float32Array.from({ length: 12 }, () => random.normal()),
  image: Float32Array.from({ length: 12 }, () => random.normal()),
  none: Float32Array.from({ length: 12 }, () => random.normal()),
};

function guided(text: number, image: number): Float32Array {
  const branches = guidanceBranches({ text, image });
  const batch = branches.flatMap(({ branch }) => [...predictions[branch]]);
  return guide(branches, Float32Array.from(batch));
}

describe('dual guidance', () => {
  it('is the published sum', () => {
    const { full, image, none } = predictions;
    guided(7.5, 1.5).forEach((value, i) => {
      const [eT, eI, e0] = [full[i] ?? 0, image[i] ?? 0, none[i] ?? 0];
      expect(value).toBeCloseTo(e0 + 1.5 * (eI - e0) + 7.5 * (eT - eI), 5);
    });
    expect(guidanceBranches({ text: 7.5, image: 1.5 }).map(({ branch }) => branch)).toEqual([
      'full',
      'image',
      'none',
    ]);
  });

  it('is the plain conditional prediction at 1 and 1, from one branch', () => {
    expect(guidanceBranches({ text: 1, image: 1 })).toEqual([{ branch: 'full', weight: 1 }]);
    expect(guided(1, 1)).toEqual(predictions.full);
  });

  it('is e(z,0,0) + e(z,I,T) - e(z,I,0) at text 1 and image 0', () => {
    guided(1, 0).forEach((value, i) => {
      const { full, image, none } = predictions;
      expect(value).toBeCloseTo((none[i] ?? 0) + (full[i] ?? 0) - (image[i] ?? 0), 6);
    });
  });

  it('is ordinary guidance between two branches at image 1', () => {
    expect(guidanceBranches({ text: 7.5, image: 1 }).map(({ branch }) => branch)).toEqual(['full', 'image']);
    guided(7.5, 1).forEach((value, i) => {
      const { full, image } = predictions;
      expect(value).toBeCloseTo((image[i] ?? 0) + 7.5 * ((full[i] ?? 0) - (image[i] ?? 0)), 5);
    });
  });

  it('ignores the text at 0, and everything at 0 and 0', () => {
    expect(guided(0, 1)).toEqual(predictions.image);
    expect(guided(0, 0)).toEqual(predictions.none);
  });

  it('refuses scales and batches that make no sense', () => {
    expect(() => guidanceBranches({ text: Number.NaN, image: 1 })).toThrow(NetworkError);
    expect(() => guidanceBranches({ text: 1, image: -1 })).toThrow(/image guidance/);
    expect(() => guide(guidanceBranches({ text: 2, image: 2.5 }), new Float32Array(4))).toThrow(/branches/);
  });
});

describe('conditioning dropout', () => {
  it('drops text only, both and image only with 5 % each', () => {
    const counts = { text: 0, both: 0, image: 0, none: 0 };
    for (let i = 0; i < 1000; i++) {
      const { text, image } = conditioningDropout((i + 0.5) / 1000);
      counts[text && image ? 'both' : text ? 'text' : image ? 'image' : 'none']++;
    }
    expect(counts).toEqual({ text: 50, both: 50, image: 50, none: 850 });
    expect(conditioningDropout(0.01)).toEqual({ text: true, image: false });
    expect(() => conditioningDropout(0.5, 0.5)).toThrow(/rate/);
  });
});

describe('joinLatents', () => {
  it('puts the image channels after the noisy ones of each row', () => {
    const joined = joinLatents(Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8), 2);
    expect([...joined]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
    expect(() => joinLatents(new Float32Array(4), new Float32Array(2), 1)).toThrow(NetworkError);
  });
});
