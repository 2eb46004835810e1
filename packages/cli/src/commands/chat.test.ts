import { until } from '@triptych/server/testing';
import { describe, expect, it } from 'vitest';
import { run } from '../run.js';
import { testRuntime } from '../testing/runtime.js';

const ctrlC = '\u0003';
const ctrlD = '\u0004';
const args = ['chat', '-m', 'fake.gguf', '--seed', '0', '--max-tokens', '3'];

describe('a conversation at a terminal', () => {
  it('shows a progress bar while loading, then a prompt, then answers', async () => {
    const test = testRuntime();
    const code = run(args, test.runtime);
    await test.printed('> ');
    expect(test.stderr()).toMatch(/Loading fake\.gguf █{12}░{12} {2}50 % of 2\.0 KiB/);
    test.type('hello\r');
    await test.printed('one two three\n');
    test.type(ctrlD);
    expect(await code).toBe(0);
    expect(test.stdout()).toBe('fake. /help lists commands.\none two three\n');
    expect(test.engine.closed).toBe(true);
  });

  it('remembers what was said', async () => {
    const test = testRuntime();
    const code = run([...args, '--system', 'Be kind.'], test.runtime);
    test.type('a\rb\r/quit\r');
    expect(await code).toBe(0);
    expect(test.engine.seen.at(-1)?.request.messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'one two three' },
      { role: 'user', content: 'b' },
    ]);
  });

  it('stops an answer at the first Ctrl-C and leaves at one on the prompt', async () => {
    const test = testRuntime({ tokenDelayMs: 5 });
    const code = run(['chat', '-m', 'fake.gguf', '--seed', '0', '-q'], test.runtime);
    test.type('hello\r');
    await test.printed('one two');
    test.type(ctrlC);
    await test.printed('[stopped]');
    expect(test.engine.running).toBe(0);
    test.type('/history\r');
    await test.printed('assistant: one two');
    // Between two prompts nothing is there to be stopped, and Ctrl-C ends the process.
    await until(() => ['> ', '> \u001b[3G'].some((prompt) => test.stderr().endsWith(prompt)));
    test.type(ctrlC);
    expect(await code).toBe(130);
    expect(test.exits).toEqual([]);
  });

  it('exits at once at a second Ctrl-C when stopping takes long', async () => {
    const test = testRuntime({ isTerminal: true });
    // An engine that does not listen.
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    test.engine.generate = async function* () {
      yield { type: 'start', promptTokens: 1 };
      await held;
    };
    const code = run(args, test.runtime);
    test.type('hello\r');
    await until(() => test.stderr().includes('hello'));
    test.type(ctrlC);
    test.type(ctrlC);
    await until(() => test.exits.length > 0);
    expect(test.exits).toEqual([130]);
    release();
    test.type('/quit\r');
    await code;
  });

  it('goes on after a question the engine refuses', async () => {
    const test = testRuntime({ info: { contextLength: 8 } });
    const code = run(args, test.runtime);
    test.type('this question has far too many words for it\r');
    await test.printed('The prompt has');
    test.type('short\r');
    await test.printed('one two three');
    test.type('/quit\r');
    expect(await code).toBe(0);
  });
});
