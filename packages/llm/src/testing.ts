/**
 * @module
 * Helpers of this package's tests: the tiny models under `fixtures/` and shorthand around the engine.
 */
import path from 'node:path';
import type { TextEngineOptions } from './load-model.js';
import { type GenerateOptions, TextEngine } from './text-engine.js';
import type { FinishReason, GenerateRequest, Usage } from './types.js';

/** A random-weight llama model of a few hundred kilobytes (tools/oracles/tiny-models.mjs). */
export function tinyModel(name: string): string {
  return path.join(import.meta.dirname, '..', 'fixtures', `tiny-${name}.gguf`);
}

/** Loads a tiny model with a small KV memory. */
export function loadTiny(name = 'q8_0', options: TextEngineOptions = {}): Promise<TextEngine> {
  return TextEngine.load(tinyModel(name), { kvMemoryBytes: 64 << 20, threads: 2, ...options });
}

export interface Generated {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly reason: FinishReason;
  readonly usage: Usage;
}

/** Runs a request to its end. */
export async function generate(
  engine: TextEngine,
  request: GenerateRequest,
  options?: GenerateOptions,
): Promise<Generated> {
  let text = '';
  const tokens: number[] = [];
  for await (const event of engine.generate(request, options)) {
    if (event.type === 'text') {
      text += event.text;
      tokens.push(...event.tokens);
    } else if (event.type === 'finish') {
      return { text, tokens, reason: event.reason, usage: event.usage };
    }
  }
  throw new Error('the stream ended without a finish event');
}

/** `count` token ids below `below`, the same for the same seed. */
export function someTokens(count: number, seed: number, below = 250): number[] {
  let state = seed * 2654435761 + 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 3 + ((state >>> 8) % (below - 3));
  });
}
