// Cuts a step of attention into units of work and runs them over the kernels of one instruction set. Included by
// attention.cpp and by the paged variant of the benchmarks; they differ only in `Layout`, which says where tokens lie:
//   layout.tokens(sequence).key_block(token), .v(token)
// where key_block takes the first token of a block, and kSubTile values from there on lie `token_stride` apart.
//
// A unit is either one block of queries of one KV head over all its tokens (sequences with several rows), or one chunk
// of tokens for one query and a range of KV heads (decode). Which units exist, and who runs them, does not touch the
// results: every chunk starts from a fresh state, and chunks are merged in order.
#include <algorithm>
#include <utility>

#include "attention/attention.h"
#include "attention/attention_kernels.h"
#include "attention/attention_sizes.h"

namespace triptych {
namespace {

// Decode units per thread to aim at where whole chunks cannot be shared evenly.
constexpr int kChunksPerThread = 3;
// Units per thread below which blocks are cut finer.
constexpr int kUnitsPerThread = 4;
// Row tiles of a block from which on they fetch the next tile.
constexpr int kFetchingTiles = 8;

inline const AttentionKernels& attention_kernels(Isa isa, bool cache_f32) {
#if defined(TRIPTYCH_X86)
  if (isa == Isa::Amx && !cache_f32) return attention_kernels_amx();
  if (isa >= Isa::Avx512) return attention_kernels_avx512();
  if (isa >= Isa::Avx2) return attention_kernels_avx2();
#endif
  (void)isa, (void)cache_f32;
  return attention_kernels_portable();
}

template <class Layout> class AttentionRun {
 public:
  AttentionRun(const AttentionTask& task, const Layout& layout, const Worker& worker)
      : t_(task), layout_(layout), w_(worker), k_(attention_kernels(task.isa, task.cache_f32)),
        sizes_(task.q_heads, task.kv_heads, task.head_dim, k_.dim_multiple, k_.row_tile),
        head_bytes_((size_t)task.head_dim * (task.cache_f32 ? 4 : 2)) {
    float* at = (float*)task.scratch + sizes_.worker * (size_t)worker.index;
    const auto take = [&](size_t n) { float* p = at; at += n; return p; };
    q_ = take((size_t)sizes_.row_tiles * sizes_.q_tile);
    state_ = take((size_t)sizes_.row_tiles * sizes_.state);
    packed_k_ = take(sizes_.kv_tile);
    packed_v_ = take(sizes_.kv_tile);
    scores_ = take((size_t)sizes_.score_tiles * sizes_.scores);
    records_ = take((size_t)(sizes_.rows + 1) * sizes_.record);
    split_records_ = (float*)task.scratch + sizes_.worker * (size_t)worker.count;
  }

  void compute() {
    plan();
    Unit unit = locate(w_.take(1));
    while (unit.kind != Unit::None) {
      if (unit.kind == Unit::Block) {
        run_block(unit);
        unit = locate(w_.take(1));
      } else {
        unit = run_chunk(unit);
      }
    }
    k_.end();
  }

  // Sequences whose chunks were spread: folds the records of each head in token order.
  void merge() {
    int slot = 0, unit = 0;
    for (int s = 0; s < t_.sequences; s++) {
      const AttentionSequence& sequence = t_.sequence[s];
      if (sequence.rows != 1) continue;
      const int chunks = chunks_of(sequence.past + 1);
      if (chunks == 1) continue;
      for (int head = 0; head < t_.q_heads; head++, unit++) {
        if (unit % w_.count != w_.index) continue;
        float* first = split_record(slot, head);
        for (int c = 1; c < chunks; c++) k_.merge(first, split_record(slot + c, head), sizes_.padded);
        finish(first, sequence.first_row, head);
      }
      slot += chunks;
    }
  }

 private:
  using Tokens = decltype(std::declval<const Layout&>().tokens(0));

  struct Unit {
    enum Kind { None, Block, Chunk } kind = None;
    int sequence = 0;
    int index = 0;  // of the block or chunk
    int part = 0;   // KV head of a block; part of the KV heads of a chunk
    int slot = -1;  // of a chunk's records; < 0: the sequence has only this chunk
  };

  // Long units come first: blocks of queries, the last (which see most tokens) before the others; then decode.
  Unit locate(int unit) const {
    for (int s = 0; s < t_.sequences; s++) {
      if (t_.sequence[s].rows == 1) continue;
      const int blocks = ceil_div(t_.sequence[s].rows, block_queries_), units = blocks * t_.kv_heads;
      if (unit < units) return {Unit::Block, s, blocks - 1 - unit / t_.kv_heads, unit % t_.kv_heads, -1};
      unit -= units;
    }
    int slot = 0;
    for (int s = 0; s < t_.sequences; s++) {
      if (t_.sequence[s].rows != 1) continue;
      const int chunks = chunks_of(t_.sequence[s].past + 1), units = chunks * head_parts_;
      if (unit < units) return {Unit::Chunk, s, unit / head_parts_, unit % head_parts_, chunks == 1 ? -1 : slot + unit / head_parts_};
      unit -= units;
      if (chunks > 1) slot += chunks;
    }
    return {};
  }

  // Every worker derives the same plan from the task: blocks of queries become smaller when they are too few for the
  // threads, and chunks are divided by KV heads, which are neighbours in memory, only where they share unevenly.
  void plan() {
    int blocks = 0, chunks = 0;
    const auto count_blocks = [&] {
      blocks = 0;
      for (int s = 0; s < t_.sequences; s++)
        if (t_.sequence[s].rows > 1) blocks += ceil_div(t_.sequence[s].rows, block_queries_) * t_.kv_heads;
    };
    const int wanted = kUnitsPerThread * w_.count;
    block_queries_ = sizes_.block_queries;
    count_blocks();
    while (blocks > 0 && blocks < wanted && block_queries_ > 1 && block_queries_ * sizes_.group > 2 * k_.row_tile) {
      block_queries_ = ceil_div(block_queries_, 2);
      count_blocks();
    }
    int64_t tokens = 0, longest = 0;
    for (int s = 0; s < t_.sequences; s++) {
      if (t_.sequence[s].rows != 1) continue;
      const int here = t_.sequence[s].past + 1;
      chunks += chunks_of(here);
      tokens += here;
      longest = std::max<int64_t>(longest, std::min(here, kAttentionChunk));
    }
    // Whole chunks take as long as the thread with most of them; a quarter more than an even share is too long.
    const bool uneven = 4 * ceil_div(chunks, w_.count) * longest * w_.count > 5 * tokens;
    head_parts_ = uneven && blocks == 0 ? std::clamp(ceil_div(kChunksPerThread * w_.count, chunks), 1, t_.kv_heads) : 1;
  }

  // A block of queries of one sequence and KV head, over all tokens they see.
  void run_block(const Unit& unit) {
    const AttentionSequence& sequence = t_.sequence[unit.sequence];
    const Tokens tokens = layout_.tokens(unit.sequence);
    const int block = unit.index, head = unit.part;
    const int first = block * block_queries_, count = std::min(block_queries_, sequence.rows - first);
    const int rows = count * sizes_.group, tiles = ceil_div(rows, k_.row_tile);
    const int position = sequence.past + first, end = position + count;
    k_.begin(std::min(rows, k_.row_tile));
    pack_queries(sequence.first_row + first, head, rows, 0);
    for (int chunk = 0; chunk * kAttentionChunk < end; chunk++) {
      const int begin = chunk * kAttentionChunk;
      for (int i = 0; i < tiles; i++) k_.reset(state(i), sizes_.padded);
      for (int t = begin; t < std::min(end, begin + kAttentionChunk); t += kTile) {
        const int n = std::min(kTile, end - t);
        PrefetchCursor cursor = prefetch(tokens, t + kTile, end, head, head + 1, 0, 1);
        const uint8_t *k_sub[kTile / kSubTile], *v_sub[kTile / kSubTile];
        sub_tiles(tokens, t, n, head, k_sub, v_sub);
        // The row tiles fetch the next tile, where there are enough of them: packing would do it in a burst.
        PrefetchCursor nothing, &packing = tiles < kFetchingTiles ? cursor : nothing;
        k_.pack_k[t_.cache_f32](k_sub, n, t_.head_dim, packed_k_, packing);
        k_.pack_v[t_.cache_f32](v_sub, t_.token_stride, n, t_.head_dim, packed_v_, packing);
        attend_block(tiles, rows, position - t, n, cursor);
      }
      for (int r = 0; r < rows; r++) {
        if (position + r / sizes_.group < begin) continue;
        float* record = records_ + (size_t)r * sizes_.record;
        float* chunk_record = chunk == 0 ? record : records_ + (size_t)sizes_.rows * sizes_.record;
        k_.close(state(r / k_.row_tile), r % k_.row_tile, sizes_.padded, chunk_record);
        if (chunk > 0) k_.merge(record, chunk_record, sizes_.padded);
      }
    }
    for (int r = 0; r < rows; r++)
      finish(records_ + (size_t)r * sizes_.record, sequence.first_row + first + r / sizes_.group, head * sizes_.group + r % sizes_.group);
  }

  int head_begin(int part) const { return t_.kv_heads * part / head_parts_; }
  int chunk_end(const Unit& unit) const {
    return std::min(t_.sequence[unit.sequence].past + 1, (unit.index + 1) * kAttentionChunk);
  }

  // The one query of a sequence over one chunk, for the KV heads of one part. Returns the thread's next unit, claimed
  // when the last tokens are at hand, so that its first are fetched meanwhile.
  Unit run_chunk(const Unit& unit) {
    Unit next;
    const AttentionSequence& sequence = t_.sequence[unit.sequence];
    const Tokens tokens = layout_.tokens(unit.sequence);
    const int first_head = head_begin(unit.part), heads = head_begin(unit.part + 1) - first_head;
    const int tiles = ceil_div(sizes_.group, k_.row_tile), end = chunk_end(unit);
    k_.begin(std::min(sizes_.group, k_.row_tile));
    for (int h = 0; h < heads; h++) pack_queries(sequence.first_row, first_head + h, sizes_.group, h * tiles);
    for (int i = 0; i < heads * tiles; i++) k_.reset(state(i), sizes_.padded);
    for (int t = unit.index * kAttentionChunk; t < end; t += kTile) {
      const int n = std::min(kTile, end - t);
      if (t + kTile >= end) next = locate(w_.take(1));
      for (int h = 0; h < heads; h++) {
        // Each head fetches its share of the next tile for all heads: whole tokens, as hardware follows best.
        PrefetchCursor cursor;
        if (t + kTile < end)
          cursor = prefetch(tokens, t + kTile, end, first_head, first_head + heads, h, heads);
        else if (next.kind == Unit::Chunk)
          cursor = prefetch(layout_.tokens(next.sequence), next.index * kAttentionChunk, chunk_end(next), head_begin(next.part),
                            head_begin(next.part + 1), h, heads);
        attend_one(tokens, t, n, first_head + h, h * tiles, tiles, cursor);
      }
    }
    for (int h = 0; h < heads; h++) {
      for (int r = 0; r < sizes_.group; r++) {
        const int head = (first_head + h) * sizes_.group + r;
        float* record = unit.slot < 0 ? records_ : split_record(unit.slot, head);
        k_.close(state(h * tiles + r / k_.row_tile), r % k_.row_tile, sizes_.padded, record);
        if (unit.slot < 0) finish(record, sequence.first_row, head);
      }
    }
    return next;
  }

  // The query's row tiles of one KV head against the n tokens from t on. V is packed over K: all that one head needs
  // stays in the first-level cache.
  void attend_one(const Tokens& tokens, int t, int n, int head, int tile, int tiles, PrefetchCursor& cursor) {
    const uint8_t *k_sub[kTile / kSubTile], *v_sub[kTile / kSubTile];
    sub_tiles(tokens, t, n, head, k_sub, v_sub);
    const auto attend = k_.attend[t_.cache_f32];
    if (tiles == 1 && attend) {
      TileCall call;
      prepare(call, tile, 0, sizes_.group, n - 1, n, packed_k_, scores(0));
      attend(call.args, k_sub, v_sub, t_.token_stride, t_.head_dim, packed_k_, cursor);
      return;
    }
    const auto each = [&](void (*kernel)(const AttendArgs&)) {
      for (int i = 0; i < tiles; i++) {
        TileCall call;
        prepare(call, tile + i, i * k_.row_tile, sizes_.group, n - 1, n, packed_k_, scores(i));
        kernel(call.args);
      }
    };
    k_.pack_k[t_.cache_f32](k_sub, n, t_.head_dim, packed_k_, cursor);
    each(k_.score);
    k_.pack_v[t_.cache_f32](v_sub, t_.token_stride, n, t_.head_dim, packed_k_, cursor);
    each(k_.value);
  }

  // A row tile's arguments, with room for what they point to.
  struct TileCall {
    AttendArgs args;
    int visible[kMaxRowTile];
  };

  // Row tile `tile` (unit rows first_row.. of `rows`) against the packed tile of n tokens; the unit's first query sits
  // `position` tokens after the tile's first. False if no row sees any of them.
  bool prepare(TileCall& call, int tile, int first_row, int rows, int position, int n, const float* v, float* scores) {
    const int count = std::min(k_.row_tile, rows - first_row);
    int sees = position + first_row / sizes_.group + 1, in_group = first_row % sizes_.group;
    if (sees >= n) {
      std::fill_n(call.visible, kMaxRowTile, n);
    } else {
      for (int r = 0; r < count; r++) {
        call.visible[r] = std::max(sees, 0);
        if (++in_group == sizes_.group) in_group = 0, sees = std::min(sees + 1, n);
      }
    }
    call.args = {q_ + (size_t)tile * sizes_.q_tile, packed_k_, v, sizes_.padded, count, n, call.visible, state(tile), scores};
    return call.visible[count - 1] > 0;
  }

  // All row tiles of a block against the packed tile. Each fetches its share of the next one, as far as packing did not.
  void attend_block(int tiles, int rows, int position, int n, PrefetchCursor& cursor) {
    const int lines = ceil_div(2 * kTile * (int)head_bytes_ / 64, tiles);
    TileCall call[3];
    const AttendArgs *scored = nullptr, *weighed = nullptr;
    for (int i = 0; i < tiles; i++) {
      TileCall& current = call[i % 3];
      cursor.fetch(lines);
      if (!prepare(current, i, i * k_.row_tile, rows, position, n, packed_v_, scores(i % 3))) continue;
      if (k_.attend_step) {
        const AttendArgs* valued = weighed;
        weighed = scored;
        scored = &current.args;
        k_.attend_step(scored, weighed, valued);
      } else {
        k_.score(current.args);
        k_.value(current.args);
      }
    }
    if (!scored) return;
    k_.attend_step(nullptr, scored, weighed);
    k_.attend_step(nullptr, nullptr, scored);
  }

  void pack_queries(int first_row, int head, int rows, int tile) {
    for (int r = 0; r < rows; r += k_.row_tile, tile++) {
      const float* row[kMaxRowTile];
      const int count = std::min(k_.row_tile, rows - r);
      for (int i = 0; i < count; i++) {
        const int query = first_row + (r + i) / sizes_.group, q_head = head * sizes_.group + (r + i) % sizes_.group;
        row[i] = t_.q + (size_t)query * t_.q_stride + (size_t)q_head * (size_t)t_.head_dim;
      }
      k_.pack_q(row, count, t_.head_dim, t_.scale * 1.44269504088896341f, q_ + (size_t)tile * sizes_.q_tile);
    }
  }

  // Where the sub-tiles of the n tokens from t on lie, for one KV head. Those without a token are given one that exists:
  // k_.attend reads two at a time.
  void sub_tiles(const Tokens& tokens, int t, int n, int head, const uint8_t** k, const uint8_t** v) const {
    for (int i = 0; i < kTile / kSubTile; i++) {
      const int first = i * kSubTile < n ? t + i * kSubTile : t;
      k[i] = tokens.key_block(first) + (size_t)head * head_bytes_ * kKeyBlock;
      v[i] = tokens.v(first) + (size_t)head * head_bytes_;
    }
  }

  // Share number `share` of `shares` of the tile at t, KV heads head_begin..head_end-1, tokens before `end`.
  PrefetchCursor prefetch(const Tokens& tokens, int t, int end, int head_begin, int head_end, int share, int shares) const {
    if (t >= end) return {};
    return prefetch_cursor(tokens, {t, std::min(end, t + kTile), head_begin, head_end, share, shares}, head_bytes_, t_.token_stride);
  }

  void finish(const float* record, int row, int head) {
    k_.finish(record, t_.head_dim, sizes_.padded, t_.out + (size_t)row * t_.out_stride + (size_t)head * (size_t)t_.head_dim);
  }
  float* scores(int tile) { return scores_ + (size_t)tile * sizes_.scores; }
  float* state(int tile) { return state_ + (size_t)tile * sizes_.state; }
  float* split_record(int slot, int head) {
    return split_records_ + ((size_t)slot * (size_t)t_.q_heads + (size_t)head) * sizes_.record;
  }

  const AttentionTask& t_;
  const Layout layout_;
  const Worker& w_;
  const AttentionKernels& k_;
  const AttentionSizes sizes_;
  const size_t head_bytes_;
  int block_queries_ = 1, head_parts_ = 1;
  float *q_, *state_, *packed_k_, *packed_v_, *scores_, *records_, *split_records_;
};

}  // namespace
}  // namespace triptych
