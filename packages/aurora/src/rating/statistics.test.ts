import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overallMean } from './results.js';
import {
  type CellMean,
  cellMeans,
  clusteredMean,
  fleissKappa,
  meanOfMeans,
  type Rating,
} from './statistics.js';

const rating = (item: string, rater: string, score: number, task = 't', model = 'm'): Rating => ({
  task,
  item,
  model,
  rater,
  score,
});

describe('clusteredMean', () => {
  it('takes items, not ratings, as what varies', () => {
    // Item means 100, 50, 0; each item rated twice by raters who agree: six ratings are worth three.
    const ratings = [100, 50, 0].flatMap((score, item) =>
      ['a', 'b'].map((who) => rating(`${item}`, who, score)),
    );
    expect(clusteredMean(ratings)).toEqual({
      mean: 50,
      standardError: Math.sqrt((50 ** 2 + 0 + 50 ** 2) / (3 * 2)),
      items: 3,
      ratings: 6,
      raters: 2,
    });
  });

  it('is the plain standard error with one rating per item', () => {
    const result = clusteredMean([0, 0, 50, 100].map((score, i) => rating(`${i}`, 'a', score)));
    const deviation = Math.sqrt((2 * 37.5 ** 2 + 12.5 ** 2 + 62.5 ** 2) / 3);
    expect(result?.standardError).toBeCloseTo(deviation / Math.sqrt(4), 12);
  });

  it('weighs items alike however often they were rated', () => {
    const result = clusteredMean([rating('1', 'a', 100), rating('2', 'a', 0), rating('2', 'b', 0)]);
    expect(result).toMatchObject({ mean: 50, items: 2, ratings: 3 });
  });

  it('gives no error for one item and nothing for no rating', () => {
    expect(clusteredMean([rating('1', 'a', 50), rating('1', 'b', 100)])?.standardError).toBeUndefined();
    expect(clusteredMean([])).toBeUndefined();
  });

  it('never exceeds the bound, and does not change when every rating is doubled', () => {
    const ratings = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 50, 100)),
      { minLength: 2, maxLength: 40 },
    );
    fc.assert(
      fc.property(ratings, (drawn) => {
        const once = drawn.map(([item, who, score]) => rating(`${item}`, who, score));
        const result = clusteredMean(once)!;
        if (result.standardError !== undefined)
          expect(result.standardError).toBeLessThanOrEqual(50 / Math.sqrt(result.items - 1) + 1e-9);
        const twice = clusteredMean([...once, ...once])!;
        expect(twice.standardError ?? 0).toBeCloseTo(result.standardError ?? 0, 9);
      }),
    );
  });

  it('separates tasks and models', () => {
    const cells = cellMeans([
      rating('1', 'a', 100, 't', 'm'),
      rating('1', 'a', 0, 't', 'n'),
      rating('1', 'a', 50, 'u'),
    ]);
    expect(cells.map(({ task, model, mean }) => [task, model, mean])).toEqual([
      ['t', 'm', 100],
      ['t', 'n', 0],
      ['u', 'm', 50],
    ]);
  });
});

describe('overallMean', () => {
  const cell = (task: string, mean: number, standardError: number | undefined = 1): CellMean => ({
    task,
    model: 'm',
    mean,
    standardError,
    items: 50,
    ratings: 150,
    raters: 3,
  });
  // The row of AURORA in the paper's table 2.
  const paper = Object.entries({
    magicbrush: 60.5,
    ag: 35.6,
    something: 31.8,
    epic: 14.2,
    whatsup: 27.3,
    kubric: 59.6,
    clevr: 46.1,
    emu: 33,
  });

  it('is the mean of four skill means', () => {
    const { overall, skills } = overallMean(
      'm',
      paper.map(([task, mean]) => cell(task, mean)),
    );
    expect(overall?.mean).toBeCloseTo(41.3, 1);
    expect(skills.action?.mean).toBeCloseTo(27.2, 1);
    // Two single tasks with error 1, two means of three tasks with error sqrt(3) / 3.
    expect(overall?.standardError).toBeCloseTo(Math.sqrt(1 + 1 / 3 + 1 / 3 + 1) / 4, 12);
  });

  it('is missing while a skill is missing', () => {
    const { overall, skills } = overallMean('m', [cell('ag', 10), cell('something-else', 99)]);
    expect(overall).toBeUndefined();
    expect(Object.keys(skills)).toEqual(['action']);
  });

  it('has no error when a part has none', () => {
    expect(meanOfMeans([{ mean: 1, standardError: undefined }])).toEqual({
      mean: 1,
      standardError: undefined,
    });
    expect(meanOfMeans([])).toBeUndefined();
  });
});

describe('fleissKappa', () => {
  it('gives the known value of a known table', () => {
    // Ten subjects, 14 raters, five categories: a table much used in textbooks, kappa 0.210.
    const table = [
      [0, 0, 0, 0, 14],
      [0, 2, 6, 4, 2],
      [0, 0, 3, 5, 6],
      [0, 3, 9, 2, 0],
      [2, 2, 8, 1, 1],
      [7, 7, 0, 0, 0],
      [3, 2, 6, 3, 0],
      [2, 5, 3, 2, 2],
      [6, 5, 2, 1, 0],
      [0, 2, 2, 3, 7],
    ];
    const ratings = table.flatMap((counts, item) =>
      counts.flatMap((count, score) =>
        Array.from({ length: count }, (_, who) => rating(`${item}`, `${score}/${who}`, score)),
      ),
    );
    const agreement = fleissKappa(ratings)!;
    expect(agreement.observed).toBeCloseTo(0.378, 3);
    expect(agreement.expected).toBeCloseTo(0.213, 3);
    expect(agreement.kappa).toBeCloseTo(0.21, 3);
  });

  it('is 1 for raters who always agree, undefined when there is nothing to compare or to tell apart', () => {
    const agree = [0, 50, 100].flatMap((score, i) =>
      ['a', 'b', 'c'].map((who) => rating(`${i}`, who, score)),
    );
    expect(fleissKappa(agree)).toMatchObject({ kappa: 1, observed: 1, outputs: 3 });
    expect(fleissKappa([rating('1', 'a', 0), rating('2', 'a', 100)])).toBeUndefined();
    expect(fleissKappa([rating('1', 'a', 0), rating('1', 'b', 0)])?.kappa).toBeUndefined();
  });

  it('is near 0 for two raters who choose without looking, whatever they prefer', () => {
    // Every pair of independent choices once, in proportion 1:2:3.
    const choices = [0, 50, 50, 100, 100, 100];
    const ratings = choices.flatMap((a, i) =>
      choices.flatMap((b, j) => [rating(`${i}/${j}`, 'a', a), rating(`${i}/${j}`, 'b', b)]),
    );
    expect(fleissKappa(ratings)?.kappa).toBeCloseTo(0, 12);
  });
});
