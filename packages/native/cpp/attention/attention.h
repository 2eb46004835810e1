// Grouped-query attention over a contiguous KV cache, for decode and (chunked) prefill rows mixed in one step.
//
// One layer, one step: every query row attends causally to the tokens 0..its own position of its sequence. V of a token
// lies at  v + token * token_stride  as [kv_heads][head_dim] of f16 or f32; K in blocks of kKeyBlock tokens, as
// key_block.h says, a block at  k + block * kKeyBlock * token_stride. Query head h uses KV head
// h / (q_heads / kv_heads). out = softmax(scale * q K^T) V, all arithmetic in f32 (f16 to f32 is exact).
//
// Determinism: the bits of an output row depend only on q, the cached K and V, the position and the instruction
// set. Tokens are cut into chunks of kAttentionChunk counted from token 0; every chunk is computed from a fresh
// state in the same order whether it is decoded or prefilled, and chunks are merged in order.
// Nothing beyond token past+rows-1 of V or beyond that token's block of K is ever read: those bytes may be a hole of the
// memory file. What else its block of K holds does not count.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "attention/key_block.h"
#include "core/isa.h"
#include "core/worker.h"

namespace triptych {

constexpr int kAttentionChunk = 512;  // tokens
constexpr int kAttentionMaxHeadDim = 256;

// Queries first_row .. first_row+rows-1 of the step sit at positions past .. past+rows-1 of this sequence; their own
// K and V are already in the cache. rows >= 1.
struct AttentionSequence {
  const uint8_t* k;  // block 0 of this layer
  const uint8_t* v;  // token 0 of this layer
  int past;
  int rows;
  int first_row;
};

struct AttentionTask {
  Isa isa;
  bool cache_f32;       // cache elements: false = f16, true = f32
  int q_heads;          // a multiple of kv_heads
  int kv_heads;
  int head_dim;         // a multiple of 8, at most kAttentionMaxHeadDim
  size_t token_stride;  // bytes from token to token in V; a block of K takes kKeyBlock times as many. At least kv_heads * head_dim elements
  float scale;          // usually 1 / sqrt(head_dim)
  const float* q;       // [rows][q_heads][head_dim]
  size_t q_stride;      // floats from row to row
  float* out;           // [rows][q_heads][head_dim]
  size_t out_stride;    // floats from row to row
  int sequences;
  const AttentionSequence* sequence;
  void* scratch;        // attention_scratch_bytes(), 64-byte aligned; contents need not be kept between calls
};

// The most a step can ask for; pages of the scratch that a step does not need are not touched.
struct AttentionLimits {
  int q_heads;
  int kv_heads;
  int head_dim;
  int sequences;  // per step
  int context;    // tokens of the longest sequence
  int threads;
};
size_t attention_scratch_bytes(const AttentionLimits& limits);

// True if the kernels can run this shape (see the field comments); the executor checks once at load.
bool attention_supported(int q_heads, int kv_heads, int head_dim);

// Two phases: the executor re-arms the claim counter before each and puts a barrier after each.
void attention_compute(const AttentionTask& task, const Worker& worker);
void attention_merge(const AttentionTask& task, const Worker& worker);

}  // namespace triptych
