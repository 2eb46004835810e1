import { until } from '@triptych/server/testing';
import { expect, it } from 'vitest';
import { run } from '../run.js';
import { testRuntime } from '../testing/runtime.js';

it('stops at Ctrl-C while it waits for input', async () => {
  const { runtime, engine } = testRuntime({ isTerminal: false });
  const code = run(['complete', '-m', 'fake.gguf'], runtime);
  await until(() => runtime.stdin.listenerCount('readable') > 0);
  runtime.interrupts.interrupt();
  expect(await code).toBe(130);
  expect(engine.seen).toEqual([]);
});

it('asks for a prompt instead of waiting for a person to guess', async () => {
  const test = testRuntime();
  expect(await run(['complete', '-m', 'fake.gguf'], test.runtime)).toBe(2);
  expect(test.stderr()).toContain('triptych complete "Once upon a time"');
});
