/** Triptych's text engine as an engine under test. Run as a child process by `startEngine('ours')`. */
import { TextEngine } from '@triptych/llm';
import { serve } from './child.mjs';
import { measureSteadyDecode } from './steady.mjs';

let engine;

/** Beyond the measured tokens: streams that start first run on while the others' prompts are processed. */
const slackTokens = 96;

/** A greedy continuation as a stream of how many tokens just arrived. */
async function* tokenCounts(prompt, maxTokens, signal) {
  const request = { prompt, maxTokens, temperature: 0, ignoreEos: true };
  for await (const event of engine.generate(request, { signal })) {
    if (event.type === 'text' && event.tokens.length > 0) yield event.tokens.length;
  }
}

serve({
  /** @param {{path: string, threads: number}} params */
  async load({ path, threads }) {
    engine = await TextEngine.load(path, { threads });
    return { name: 'triptych', isa: engine.info.isa, threads: engine.info.threads };
  },

  /** Time to the first sampled token of a prompt given as token ids. */
  async prefill({ prompt }) {
    const startMs = performance.now();
    for await (const count of tokenCounts(prompt, 1)) {
      if (count > 0) return { ms: performance.now() - startMs };
    }
    throw new Error('no token came');
  },

  /** Decodes all prompts at once, greedily; see `measureSteadyDecode`. */
  async decode({ prompts, tokens }) {
    const over = new AbortController();
    const streams = prompts.map((prompt) => tokenCounts(prompt, tokens + slackTokens, over.signal));
    return measureSteadyDecode(streams, tokens, () => over.abort());
  },

  /**
   * How late a 1 ms timer fires (milliseconds, all of them) while all prompts decode and one long prompt after another
   * is processed between.
   */
  async delays({ prompts, longPrompts, tokens }) {
    const delaysMs = [];
    let isOver = false;
    const watch = (async () => {
      while (!isOver) {
        const startMs = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 1));
        delaysMs.push(performance.now() - startMs - 1);
      }
    })();
    const drain = async (prompt, maxTokens) => {
      for await (const _ of tokenCounts(prompt, maxTokens));
    };
    const prefills = async () => {
      for (const prompt of longPrompts) await drain(prompt, 1);
    };
    await Promise.all([...prompts.map((prompt) => drain(prompt, tokens)), prefills()]);
    isOver = true;
    await watch;
    return { delaysMs };
  },
});
