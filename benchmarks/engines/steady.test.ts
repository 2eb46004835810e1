import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { measureSteadyDecode } from './steady.mjs';

/** A stream of single tokens, the first after `delayMs`, that remembers how many it gave. */
function stream(delayMs: number, count: number) {
  const state = { given: 0 };
  async function* tokens() {
    await sleep(delayMs);
    for (; state.given < count; state.given++) {
      yield 1;
      await sleep(1);
    }
  }
  return { state, tokens: tokens() };
}

test('counts only tokens that arrive while all streams decode', async () => {
  const early = stream(0, 1000);
  const late = stream(50, 1000);
  let stops = 0;
  const result = await measureSteadyDecode([early.tokens, late.tokens], 10, () => stops++);
  expect(stops).toBe(1);
  expect(result.tokens).toBeGreaterThanOrEqual(20);
  // What the early stream gave before the late one started is left out, and so is the late one's first token.
  expect(early.state.given + late.state.given).toBeGreaterThan(result.tokens);
  expect(result.ms).toBeGreaterThan(0);
});

test('a stream that ends too early is an error, not a wrong figure', async () => {
  const streams = [stream(0, 1000).tokens, stream(0, 5).tokens];
  await expect(measureSteadyDecode(streams, 10, () => {})).rejects.toThrow(/ended before/);
});

test('an engine that fails before the window is over fails the measurement', async () => {
  async function* broken() {
    yield 1;
    throw new Error('engine broke');
  }
  await expect(measureSteadyDecode([broken()], 10, () => {})).rejects.toThrow('engine broke');
});
