// The inner kernels of attention: one table of functions per instruction set. The driver (attention_driver.inl) cuts the
// work into tiles of kTile tokens times row_tile query rows of one KV head; the kernels see nothing larger.
//
// Packed forms, in floats, with D = head_dim padded to a multiple of dim_multiple (each kernel set has its own layout;
// all take at most this much room):  q tile 1.5 * [row_tile][D], K tile and V tile [kTile][D] and 16 more, scores
// 3 * [row_tile][kTile].
// State of a row tile: O [row_tile][D], then l [row_tile][16] (partial sums of weights), then m [16] (running maxima).
// Record of a row (its state after a whole chunk): O [D], m, l, padded to D + 16.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "attention/key_block.h"
#include "attention/prefetch_cursor.h"

namespace triptych {

constexpr int kTile = 64;            // tokens
constexpr int kSubTile = kKeyBlock;  // tokens that lie at one address and stride; a block of a paged cache is a multiple
constexpr int kMaxRowTile = 16;

static inline size_t state_floats(int row_tile, int padded) { return (size_t)row_tile * (size_t)(padded + 16) + 16; }
static inline size_t record_floats(int padded) { return (size_t)padded + 16; }

struct AttendArgs {
  const float* q;
  const float* k;
  const float* v;
  int padded;
  int rows;            // of the row tile, >= 1
  int tokens;          // of this tile
  const int* visible;  // [rows] how many of them each row sees; does not decrease, the last is >= 1
  float* state;
  float* scores;
};

struct AttentionKernels {
  int row_tile;
  int dim_multiple;
  // Before the row tiles of a unit (none has more than `rows` rows), and after the thread's last unit.
  void (*begin)(int rows);
  void (*end)();
  // rows: `count` pointers to [head_dim]; scale includes log2(e), so that weights are powers of two.
  void (*pack_q)(const float* const* rows, int count, int head_dim, float scale, float* q);
  // A tile of `tokens` (1..kTile) tokens, each kSubTile of them from sub[i] on (where there is no token, sub[i] is not used):
  // K as [head_dim][kSubTile], V `stride` bytes apart. [0] f16, [1] f32 cache.
  void (*pack_k[2])(const uint8_t* const* sub, int tokens, int head_dim, float* k, PrefetchCursor& cursor);
  void (*pack_v[2])(const uint8_t* const* sub, size_t stride, int tokens, int head_dim, float* v, PrefetchCursor& cursor);
  void (*reset)(float* state, int padded);
  // From packed K: scores, then weights (in args.scores), and the state's O, l and m brought to the new maximum.
  void (*score)(const AttendArgs& args);
  // From those weights and packed V: O. K and V may have been packed one after the other into the same place.
  void (*value)(const AttendArgs& args);
  // May be null: the first part of score for one row tile (scores), the second for another (weights), and value for a
  // third, in one; each of them may be null. A row tile goes through the three in this order, with its own scores.
  void (*attend_step)(const AttendArgs* scored, const AttendArgs* weighed, const AttendArgs* valued);
  // May be null: pack_k, score, pack_v and value in one, for a single row tile. `packed` (a.k, a.v) is room for what it packs.
  // A k_sub[i] without a token must be readable too.
  void (*attend[2])(const AttendArgs& args, const uint8_t* const* k_sub, const uint8_t* const* v_sub, size_t stride, int head_dim,
                    float* packed, PrefetchCursor& cursor);
  void (*close)(const float* state, int row, int padded, float* record);
  void (*merge)(float* record, const float* next, int padded);
  void (*finish)(const float* record, int head_dim, int padded, float* out);
};

const AttentionKernels& attention_kernels_portable();
const AttentionKernels& attention_kernels_avx2();    // only with TRIPTYCH_X86
const AttentionKernels& attention_kernels_avx512();  // only with TRIPTYCH_X86
const AttentionKernels& attention_kernels_amx();     // only with TRIPTYCH_X86

}  // namespace triptych
