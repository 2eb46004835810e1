import { evaluateShard, type ShardOptions } from './evaluate.js';

// A process of its own: reading object states back is synchronous, and two processes keep two cores busy.

process.once('message', async (options: ShardOptions) => {
  await evaluateShard(options, new AbortController().signal);
  process.disconnect();
});
