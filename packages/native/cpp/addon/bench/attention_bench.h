// Times attention of one layer over many sequences, alternating with the f32 FMA peak and, for the comparison that
// vAttention is about, with the same kernel over paged memory.
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
  size_t rotate_bytes;  // caches are cycled through so much memory, as the layers of a model do
  double seconds;
};

// False when memory is short or the kernels do not support the shape.
bool bench_attention(const AttentionBench& bench, BenchSamples& out);

}  // namespace triptych
