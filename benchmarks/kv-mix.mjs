/** The sequences that the KV memory is measured with, and the memory at the 1.1B model's shape. */
import { keyBlockTokens } from '@triptych/native';
import { KvMemory } from '@triptych/vattention';

const GiB = 2 ** 30;
export const shape = {
  layers: 22,
  maxTokens: 4096,
  kvHeads: 4,
  headDim: 64,
  elementBytes: 2,
  slots: 64,
  blockTokens: keyBlockTokens(),
};
export const shortest = 128;
const longest = 4096;

/** Uniform in [0, 1), the same on every machine (xorshift32). */
export function uniform(seed) {
  let state = seed * 2_654_435_769 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** `count` sequences: {prompt, total} in tokens. */
export function mix(count, seed = 1) {
  const random = uniform(seed);
  for (let i = 0; i < 16; i++) random();
  return Array.from({ length: count }, () => {
    const total = Math.round(shortest * (longest / shortest) ** random());
    return { prompt: Math.floor(total / 2), total };
  });
}

/** KV memory of that shape, with a budget of 8 GiB unless told otherwise. */
export function open(options) {
  const { pageGroupBytes = 4096, slots = shape.slots, ...rest } = options;
  return KvMemory.open({ geometry: { ...shape, slots, pageGroupBytes }, budgetBytes: 8 * GiB, ...rest });
}
