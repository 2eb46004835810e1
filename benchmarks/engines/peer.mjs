/**
 * node-llama-cpp as an engine under test. Run as a child process by `startEngine('peer')`.
 *
 * Settings were chosen by trying (see benchmarks/README.md): flash attention on, batch of 512, one context with
 * exactly as many sequences as run, contexts no longer than needed.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { getLlama } from 'node-llama-cpp';
import { serve } from './child.mjs';
import { measureSteadyDecode } from './steady.mjs';

let llama;
let model;
let context;
let shape = '';
let sequences = [];

serve({
  /** @param {{path: string, threads: number}} params */
  async load({ path, threads }) {
    llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: threads });
    model = await llama.loadModel({ modelPath: path });
    const dir = fileURLToPath(new URL('.', import.meta.resolve('node-llama-cpp')));
    const { version } = JSON.parse(await readFile(`${dir}/../package.json`, 'utf8'));
    return {
      name: 'node-llama-cpp',
      version,
      llamaCpp: llama.llamaCppRelease.release,
      systemInfo: llama.systemInfo.trim(),
    };
  },

  /** Time to the first sampled token of a prompt given as token ids. */
  async prefill({ threads, prompt }) {
    await open(threads, 1, prompt.length + 8);
    const sequence = context.getSequence();
    const startMs = performance.now();
    const tokens = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true });
    await tokens.next();
    const ms = performance.now() - startMs;
    await tokens.return();
    sequence.dispose();
    return { ms };
  },

  /**
   * Decodes all prompts at once, greedily; see `measureSteadyDecode`. Prompts are put in first, one after the other, so
   * that the window starts with all sequences in step; they stay in the cache for the next run of the same shape.
   */
  async decode({ threads, prompts, tokens }) {
    const isFresh = await open(threads, prompts.length, prompts[0].length + tokens + 16);
    if (isFresh || sequences.length === 0) {
      sequences = prompts.map(() => context.getSequence());
      for (const [i, sequence] of sequences.entries()) {
        await sequence.evaluateWithoutGeneratingNewTokens(prompts[i].slice(0, -1));
      }
    }
    let isOver = false;
    const streams = sequences.map(async function* (sequence, i) {
      for await (const _ of sequence.evaluate(prompts[i].slice(-1), {
        temperature: 0,
        yieldEogToken: true,
      })) {
        if (isOver) return;
        yield 1;
      }
    });
    const result = await measureSteadyDecode(streams, tokens, () => {
      isOver = true;
    });
    for (const [i, sequence] of sequences.entries()) {
      const range = { start: prompts[i].length - 1, end: sequence.nextTokenIndex };
      await sequence.eraseContextTokenRanges([range]);
    }
    return result;
  },
});

/** Keeps one context and makes it anew only when the wanted shape changes; true when it did. */
async function open(threads, count, contextSize) {
  const wanted = `${threads} ${count} ${contextSize}`;
  if (wanted === shape) return false;
  await context?.dispose();
  sequences = [];
  context = await model.createContext({
    threads,
    sequences: count,
    contextSize,
    batchSize: 512,
    flashAttention: true,
  });
  shape = wanted;
  return true;
}
