import { describe, expect, it } from 'vitest';
import { learningRateAt, type Schedule } from './schedule.js';

describe('learningRateAt', () => {
  const common = { peak: 2, warmupSteps: 10, totalSteps: 110 } as const;
  const cosine: Schedule = { ...common, kind: 'cosine', finalFraction: 0.1 };
  const trapezoid: Schedule = { ...common, kind: 'trapezoid', fallFraction: 0.5 };

  it('warms up linearly', () => {
    for (const schedule of [cosine, trapezoid]) {
      expect(learningRateAt(1, schedule)).toBeCloseTo(0.2);
      expect(learningRateAt(10, schedule)).toBe(2);
    }
  });

  it('falls along a cosine to the final fraction and stays there', () => {
    expect(learningRateAt(60, cosine)).toBeCloseTo((2 + 0.2) / 2);
    expect(learningRateAt(110, cosine)).toBeCloseTo(0.2);
    expect(learningRateAt(500, cosine)).toBeCloseTo(0.2);
  });

  it('keeps a plateau that does not depend on the total, then falls to 0', () => {
    const longer: Schedule = { ...trapezoid, totalSteps: 1000 };
    for (let step = 1; step <= 55; step++) {
      expect(learningRateAt(step, trapezoid)).toBe(learningRateAt(step, longer));
    }
    expect(learningRateAt(56, trapezoid)).toBe(2);
    expect(learningRateAt(57, trapezoid)).toBeLessThan(2);
    expect(learningRateAt(110, trapezoid)).toBeCloseTo(2 / 55);
    expect(learningRateAt(111, trapezoid)).toBe(0);
  });
});
