import { resolve } from 'node:path';
import { GraphRuntime } from '@triptych/graph';
import { makePair, type Pair, splits } from '@triptych/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomEdit } from '../bench/baselines.js';
import type { Editor } from '../editor.js';
import { pixelMetrics } from '../metrics/pixels.js';
import { openEmbeddedEditor } from './embedded-editor.js';

// The model that is committed, on scenes that no set of the recipe draws: the last seeds of the validation range.
const model = resolve(import.meta.dirname, '../../../../models/edit/triptych-edit-3m');
const PAIRS = 16;

let runtime: GraphRuntime;
let editor: Editor;
const pairs: Pair[] = [];
beforeAll(async () => {
  runtime = await GraphRuntime.start({ threads: 1 });
  editor = await openEmbeddedEditor(model, { runtime });
  for (let seed = splits.validation[1] - 1; pairs.length < PAIRS; seed--) {
    const pair = await makePair(seed, { kinds: ['recolour', 'rematerial'] });
    if (pair !== undefined) pairs.push(pair);
  }
});
afterAll(async () => {
  await editor[Symbol.asyncDispose]();
  await runtime.close();
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('the embedded model', () => {
  it('goes most of the way on changes of look, and keeps what it is not asked to change', async () => {
    const judged = await Promise.all(
      pairs.map(async ({ edit, first: image, last }) => {
        const request = { image, instruction: edit.instruction, negative: '', seed: 1, ...editor.defaults };
        const own = pixelMetrics(image, last, await editor.run(request));
        return { own, random: pixelMetrics(image, last, randomEdit(request)) };
      }),
    );
    expect(mean(judged.map(({ own }) => own.progress))).toBeGreaterThan(0.4);
    const kept = mean(judged.map(({ own }) => own.preservationMse));
    expect(kept).toBeLessThan(mean(judged.map(({ random }) => random.preservationMse)) / 4);
  });
});
