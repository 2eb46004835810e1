// Times attention of one layer over many sequences, beside the f32 FMA peak and, for the comparison that vAttention
// is about, alternating with the same inner kernels over paged memory.
#pragma once
#include <stddef.h>

#include "addon/bench/samples.h"

namespace triptych {

struct AttentionBench {
  Isa isa;
  bool cache_f32;
  int q_heads;
  int kv_heads;
  int head_dim;
  int sequences;
  int rows;  // query rows per sequence: 1 is decode
  int past;  // tokens already in each cache
  int threads;
  int paged_block_tokens;  // also time the same over blocks of so many tokens in random order; 0: no
  size_t rotate_bytes;  // caches are cycled through so much memory, as the layers of a model do
  double seconds;
};

// False when memory is short or the kernels do not support the shape.
bool bench_attention(const AttentionBench& bench, BenchSamples& out);

}  // namespace triptych
