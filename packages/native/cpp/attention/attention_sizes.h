// How much scratch memory attention takes, and how it is divided.
#pragma once
#include <algorithm>

#include "attention/attention.h"
#include "attention/attention_kernels.h"

namespace triptych {
namespace {

// Query rows (of all heads of a group) in a block, so that their states stay in L2: kBlockFloats / padded head_dim.
constexpr int kBlockFloats = 32768;
inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
inline size_t aligned_floats(size_t n) { return (n + 15) / 16 * 16; }

// Sizes that follow from a shape; all in floats.
struct AttentionSizes {
  int group, padded, row_tile;
  int block_queries;   // queries of a block
  int row_tiles;       // of a unit, at most
  int rows;            // query rows of a unit, at most
  int score_tiles;     // whose scores are kept at a time
  size_t q_tile, kv_tile, state, scores, record, worker;

  AttentionSizes(int q_heads, int kv_heads, int head_dim, int dim_multiple, int row_tile_) {
    row_tile = row_tile_;
    group = q_heads / kv_heads;
    padded = ceil_div(head_dim, dim_multiple) * dim_multiple;
    block_queries = std::max(1, kBlockFloats / padded / group);
    row_tiles = std::max(ceil_div(block_queries * group, row_tile), kv_heads * ceil_div(group, row_tile));
    rows = std::max(block_queries * group, q_heads);
    q_tile = (size_t)(row_tile * padded) * 3 / 2;
    kv_tile = (size_t)(kTile * padded) + 16;
    state = aligned_floats(state_floats(row_tile, padded));
    scores = (size_t)(3 * row_tile * kTile);
    score_tiles = std::max(3, ceil_div(group, row_tile));
    record = record_floats(padded);
    // One more record: the chunk that is being merged.
    worker = (size_t)row_tiles * (q_tile + state) + 2 * kv_tile + (size_t)score_tiles * scores + (size_t)(rows + 1) * record;
  }
};

inline int chunks_of(int tokens) { return ceil_div(tokens, kAttentionChunk); }

}  // namespace
}  // namespace triptych
