/**
 * What the project promises on two AVX-512 cores. `of` says which of a row's numbers is bound: its ratio against the
 * peer or limit of the same run, or its value where there is nothing to compare with.
 */
const ratio = (atLeast) => ({ of: 'ratio', atLeast });

export const bounds = {
  'linear/q8_0/m1': ratio(0.92),
  'linear/q4_0/m1': ratio(0.85),
  'linear/q8_0/m8': ratio(0.7),
  'linear/q8_0/m512': ratio(0.74),
  'linear/q4_0/m512': ratio(0.74),
  'linear/q8_0/m1/avx2': ratio(0.85),
  'attention/decode/b8/ctx2048': ratio(0.62),
  'attention/prefill512/past8192': ratio(0.78),
  'llm/prefill512/q8_0': ratio(3.0),
  'llm/prefill512/q4_0': ratio(2.2),
  'llm/decode/b1/q8_0': ratio(1.25),
  'llm/decode/b1/q4_0': ratio(1.7),
  'llm/decode/b4/q8_0': ratio(4.0),
  'llm/decode/b4/q4_0': ratio(4.0),
  'llm/decode/b8/q8_0': ratio(6.0),
  'llm/decode/b8/q4_0': ratio(5.0),
  'llm/decode/b16/q8_0': ratio(6.0),
  'llm/decode/b16/q4_0': ratio(6.0),
  'llm/event-loop-p99/b8': { of: 'value', atMost: 5 },
  'kv/resident-over-needed/64seq': { of: 'ratio', atMost: 1.02 },
  'kv/admitted/1GiB': ratio(3.0),
  'kv/step-share': { of: 'ratio', atMost: 0.01 },
  'train/unet/flops': ratio(0.5),
  'kv/after-burst': { of: 'value', atMost: 0 },
  'edit/unet-sd15-256': ratio(1.5),
  'edit/memory': { of: 'ratio', atMost: 1.3 },
  'edit/latency': { of: 'value', atMost: 2 },
  'world/frames': { of: 'value', atLeast: 200 },
};
