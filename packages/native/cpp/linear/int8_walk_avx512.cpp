// Int8 kernels for AVX-512 VNNI, one panel at a time (two, for few rows: int8_avx512.cpp): tiles of some rows x one panel. 8
// vpdpbusd and 2 FMAs per (row, 16 columns) (layout.h: how an FMA also converts) leave 0.8 of the vpdpbusd rate as the ceiling.
//
// Short tiles, up to 6 rows, keep every sum, integer and float, in registers (24 of them, 2 weight vectors, 1 broadcast): on Zen 5
// a store of 512 bits takes a slot from the dot products (93 cycles a block of 8 x 32 with the float sums in L1, 80 without
// its stores). A chunk of a panel stays in L1 while the rows of a group walk it, tile by tile; many rows come in groups of two tiles,
// 12 rows, which leave more of L1 to the chunk than 16. Tall tiles, up to 8 rows, leave some float sums to memory and walk long
// chunks: on Intel stores have ports of their own, and 10 sums (5 rows) are too few for the latency of a dot product (0.75 of the rate,
// 0.79 with 16). Which is faster is measured (tuning.cpp).
//
// Each tile fetches its share of what comes next to L2, a line or two per k-group: a burst would occupy L1's miss buffers and
// computing would wait. The lines of y that it will write come to L1 in the same way: each lies in a page of its own, and
// stores that miss hold up what follows (4% of 512 rows on Zen 4).
#include <algorithm>

#include "linear/int8_dots_avx512.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

constexpr int kMostTileRows = 8;
struct Shape {
  int rows;   // of a tile, at most
  int chunk;  // blocks of a panel that all tiles of a group walk before the next ones
  // Groups up to which every tile flips Q8_0's signs or takes Q4_0 apart, instead of expanding blocks before.
  int q8_as_stored, q4_as_stored;
};
// Either is free on Zen 4, where adding pipes do it; on Intel flips take turns with the dot products, 16 for 128 (0.72 of the
// rate instead of 0.79). Expanding costs 6% of 64 rows and, on Zen 4, 2% of 512: what is expanded takes more of L2.
constexpr int kAlways = 1 << 30;
constexpr Shape kShort{6, 16, kAlways, kAlways}, kTall{8, 64, 3, 0};
constexpr int kMostStreamLines = 16;  // of a block, in rounds of four
constexpr int kStreamChunk = 16;      // 17 KiB of weights and 12 KiB of activations

// Where a tile is in its activations.
struct Cursor {
  const uint8_t* q;  // [rows x 32 int8], and their scales, shifts and starts
  const float* scale;
  const float* shift;
  const int32_t* start;

  TRIPTYCH_INLINE void advance(size_t stride) {
    q += stride;
    scale += stride / 4;
    shift += stride / 4;
    start += stride / 4;
  }
};

struct Tile {
  const uint8_t* weights;  // first block
  Cursor activations;
  size_t stride;           // bytes from one block of activations to the next
  int blocks;
  const float* from;       // sums so far, [rows][kPanel]; nullptr: zeros
  float* to;
  size_t to_stride;
  Fetch fetch;             // meanwhile, of each block
};

// Nothing; some lines; as many as a block has; or of four streams.
enum Fetching { kNothing, kNeighbours, kBlockful, kStreams };

// Part `i` of 8 of what a tile fetches beside a block.
template <Format F, Fetching kFetching>
TRIPTYCH_INLINE void fetch_part(const Fetch& fetch, int i) {
  if constexpr (kFetching == kNeighbours) fetch_lines<8>(fetch.from, fetch.lines, i);
  if constexpr (kFetching == kBlockful) {
    if (i == 0) prefetch(fetch.from, 0);
    constexpr int kLines = lines_of(F) / 8;
#pragma GCC unroll 2
    for (int l = 0; l < kLines; l++) prefetch(fetch.from, 1 + i * kLines + l);
  }
  if constexpr (kFetching == kStreams) {
    static_assert(kMostStreamLines == 16);
    if (i < fetch.lines) prefetch(fetch.from + (size_t)(i % 4) * fetch.apart, i / 4);
    if (i + 8 < fetch.lines) prefetch(fetch.from + (size_t)(i % 4) * fetch.apart, i / 4 + 2);
    if (i == 7 && fetch.extra) prefetch(fetch.extra, 0);
  }
}

template <int R, Format F, Fetching kFetching>
__attribute__((noinline)) void tile(const Tile& t) {
  __m512 sums[R][2];
  if (t.from) {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sums[r][0] = _mm512_load_ps(t.from + r * 32), sums[r][1] = _mm512_load_ps(t.from + r * 32 + 16);
  } else {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  }
  const uint8_t* w = t.weights;
  Fetch share = t.fetch;
  const size_t stride = t.stride;
  const char* result = (const char*)t.to;
  Cursor c = t.activations;
  for (int b = t.blocks; b > 0; b--) {
    if (b <= 2 * R) {
      _mm_prefetch(result + b % 2 * 64, _MM_HINT_T0);
      if (b % 2) result += t.to_stride * 4;
    }
    __m512i a[R][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) a[r][0] = a[r][1] = _mm512_set1_epi32(c.start[r]);
    dots<R, F>(a, w + scale_bytes_of(F), c.q, [&](int i) __attribute__((always_inline)) { fetch_part<F, kFetching>(share, i); });
    const __m512 s0 = scales<F>(w, 0), s1 = scales<F>(w, 1);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const __m512 e = _mm512_set1_ps(c.scale[r]), m = _mm512_set1_ps(c.shift[r]);
      sums[r][0] = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_castsi512_ps(a[r][0]), e, m), s0, sums[r][0]);
      sums[r][1] = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_castsi512_ps(a[r][1]), e, m), s1, sums[r][1]);
    }
    w += bytes_of(F);
    c.advance(stride);
    if constexpr (kFetching != kNothing) share.from += share.step;
    if constexpr (kFetching == kStreams) share.extra += share.extra ? 64 : 0;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    _mm512_storeu_ps(t.to + r * t.to_stride, sums[r][0]);
    _mm512_storeu_ps(t.to + r * t.to_stride + 16, sums[r][1]);
  }
}

using TileFn = void (*)(const Tile&);
template <Format F, Fetching kF>
constexpr TileFn kTiles[kMostTileRows + 1] = {nullptr,        tile<1, F, kF>, tile<2, F, kF>, tile<3, F, kF>, tile<4, F, kF>,
                                              tile<5, F, kF>, tile<6, F, kF>, tile<7, F, kF>, tile<8, F, kF>};
template <Format F>
TileFn tile_of(int rows, const Fetch& fetch) {
  if constexpr (F != kExpanded) {
    if (fetch.apart > 0) return kTiles<F, kStreams>[rows];
    if (fetch.lines == lines_of(F) + 1) return kTiles<F, kBlockful>[rows];
  }
  return fetch.lines > 0 ? kTiles<F, kNeighbours>[rows] : kTiles<F, kNothing>[rows];
}

int tiles_of(int rows, const Shape& shape) { return (rows + shape.rows - 1) / shape.rows; }
// A panel's blocks in chunks of equal length, as far as possible.
struct Chunks {
  int total, count;
  Chunks(int blocks, int most) : total(blocks), count((blocks + most - 1) / most) {}
  int begin(int i) const { return total * i / count; }
  int blocks(int i) const { return begin(i + 1) - begin(i); }
};

// One panel times all rows of a group. `y` is its first row and column, `columns` of the panel exist.
// fetch(tile, tiles, chunk, blocks): what that tile fetches.
template <Format F, class FetchOf>
void walk(const uint8_t* weights, const Int8Activations& act, int g, const Shape& shape, int zero_point, float* y, size_t y_stride,
          int columns, FetchOf fetch) {
  alignas(64) float sums[kInt8Group * kPanel];
  const uint8_t* group = act.data + (size_t)g * act.group_stride();
  const int rows = act.rows_of(g), tiles = tiles_of(rows, shape);
  const Chunks chunks(act.blocks, shape.chunk);
  const bool whole = columns >= kPanel;
  for (int i = 0; i < chunks.count; i++) {
    const int b = chunks.begin(i), blocks = chunks.blocks(i);
    const uint8_t* data = group + (size_t)b * act.block_stride();
    const bool to_y = whole && i + 1 == chunks.count;
    for (int j = 0; j < tiles; j++) {
      const int r0 = rows * j / tiles, count = rows * (j + 1) / tiles - r0;
      float* sum = sums + r0 * kPanel;
      // Made in place: a copy would read at once what was written in parts.
      const Tile t{weights + (size_t)b * bytes_of(F),
                   {data + r0 * 32, (const float*)(data + act.scale_offset()) + r0, (const float*)(data + act.shift_offset()) + r0,
                    (const int32_t*)(data + act.start_offset(zero_point)) + r0},
                   act.block_stride(),
                   blocks,
                   b ? sum : nullptr,
                   to_y ? y + (size_t)r0 * y_stride : sum,
                   to_y ? y_stride : kPanel,
                   fetch(j, tiles, i, blocks)};
      tile_of<F>(count, t.fetch)(t);
    }
  }
  for (int r = 0; !whole && r < rows; r++) memcpy(y + (size_t)r * y_stride, sums + r * kPanel, (size_t)columns * 4);
}

// Of the chunk at `next`, of `blocks` blocks, what one of `tiles` tiles fetches: in each block some rounds of four lines, from
// four streams; and the last tile the lines that are left of four.
template <Format F>
Fetch of_four_streams(const uint8_t* next, int blocks, int tile, int tiles) {
  constexpr int kRounds = (int)(bytes_of(F) / 64) / 4;
  static_assert(bytes_of(F) / 64 % 4 == 1 && kRounds * 4 <= kMostStreamLines);
  const int first = kRounds * tile / tiles, last = kRounds * (tile + 1) / tiles;
  const size_t step = kRounds * 64, apart = (size_t)blocks * step;
  return {next + first * 64, step, (last - first) * 4, apart, tile + 1 == tiles ? next + 4 * apart : nullptr};
}

// One group: weights come past once, from memory.
template <Format F>
void stream(const PanelRun& run, const Int8Activations& act, const Shape& tiles, int zero_point) {
  const bool four = run.prefetch == kFourStreams;
  // For a single tile nothing has to stay in L1.
  const Shape shape{tiles.rows, four || act.rows > tiles.rows ? kStreamChunk : kAlways, kAlways, kAlways};
  if (four) {
    const size_t panel = (size_t)act.blocks * bytes_of(F);
    const Chunks chunks(act.blocks, shape.chunk);
    for (int p = 0; p < run.panels; p++) {
      const uint8_t* data = run.data + (size_t)p * panel;
      walk<F>(data, act, 0, shape, zero_point, run.y + p * kPanel, run.y_stride, run.columns - p * kPanel,
              [&](int tile, int count, int chunk, int) -> Fetch {
                const int next = chunk + 1 < chunks.count ? chunk + 1 : 0;
                if (next == 0 && p + 1 == run.panels) return {data, 0, 0};
                return of_four_streams<F>(data + (size_t)chunks.begin(chunk + 1) * bytes_of(F), chunks.blocks(next), tile, count);
              });
    }
    return;
  }
  const int count = tiles_of(act.rows, shape), lines = (int)(bytes_of(F) / 64);
  // The first of several tiles walks a chunk `count` times as fast as fetching goes on, and must not catch up with it.
  const size_t panel = (size_t)act.blocks * bytes_of(F), chunk = kStreamChunk * bytes_of(F);
  Ahead ahead{run.data + (size_t)run.prefetch + chunk * (size_t)(count - 1) / (size_t)count, (size_t)run.panels * panel / 64};
  for (int p = 0; p < run.panels; p++)
    walk<F>(run.data + (size_t)p * panel, act, 0, shape, zero_point, run.y + p * kPanel, run.y_stride, run.columns - p * kPanel,
            [&](int, int, int, int blocks) { return ahead.take(blocks, (lines + count - 1) / count); });
}

void expand(WeightType type, const uint8_t* src, int blocks, uint8_t* dst) {
  const __m512i sign = _mm512_set1_epi8((char)0x80), low = _mm512_set1_epi8(15);
  for (int b = 0; b < blocks; b++, src += block_bytes(type), dst += kExpandedBlockBytes) {
    for (int h = 0; h < 2; h++) _mm512_store_ps((float*)dst + h * 16, scales<kQ8>(src, h));
    const uint8_t* s = src + kScaleBytes;
    uint8_t* d = dst + kExpandedScaleBytes;
    if (type == WeightType::Q8_0) {
#pragma GCC unroll 16
      for (int i = 0; i < 1024; i += 64) _mm512_store_si512(d + i, _mm512_xor_si512(_mm512_load_si512(s + i), sign));
    } else {
#pragma GCC unroll 8
      for (int i = 0; i < 512; i += 64) {
        const __m512i v = _mm512_load_si512(s + i);
        _mm512_store_si512(d + i, _mm512_and_si512(v, low));
        _mm512_store_si512(d + 512 + i, _mm512_and_si512(_mm512_srli_epi16(v, 4), low));
      }
    }
  }
}

// Many groups: the run's panels stay in L2 while every group walks them. The next run is fetched by the last groups, so that
// activations passing by do not push it out again.
template <Format F>
void resident(const PanelRun& run, const uint8_t* weights, const Int8Activations& act, const Shape& shape, int zero_point) {
  const size_t panel = (size_t)act.blocks * bytes_of(F), next_lines = run.next_bytes / 64;
  const int groups = act.groups();
  const size_t steps = (size_t)tiles_of(act.group, shape) * (size_t)run.panels * (size_t)act.blocks;  // of a group
  const int per_block = (int)std::min<size_t>(kMostAhead, (next_lines + steps * (size_t)groups - 1) / (steps * (size_t)groups));
  const int fetching = per_block == 0 ? 0 : (int)((next_lines + steps * (size_t)per_block - 1) / (steps * (size_t)per_block));
  Ahead ahead;
  for (int g = 0; g < groups; g++) {
    if (g == std::max(0, groups - fetching)) ahead = {run.next, next_lines};
    for (int p = 0; p < run.panels; p++)
      walk<F>(weights + (size_t)p * panel, act, g, shape, zero_point, run.y + (size_t)(g * act.group) * run.y_stride + p * kPanel,
              run.y_stride, run.columns - p * kPanel, [&](int, int, int, int blocks) { return ahead.take(blocks, per_block); });
  }
}

}  // namespace

void int8_walk_avx512(const PanelRun& run, const Int8Activations& act) {
  const int zero_point = run.type == WeightType::Q8_0 ? 128 : 8;
  const int groups = act.groups();
  const Shape& shape = run.tall_tiles ? kTall : kShort;
  const bool q8 = run.type == WeightType::Q8_0;
  if (groups == 1) {
    (q8 ? stream<kQ8> : stream<kQ4>)(run, act, shape, zero_point);
  } else if (groups <= (q8 ? shape.q8_as_stored : shape.q4_as_stored)) {
    (q8 ? resident<kQ8> : resident<kQ4>)(run, run.data, act, shape, zero_point);
  } else {
    expand(run.type, run.data, act.blocks * run.panels, run.scratch);
    resident<kExpanded>(run, run.scratch, act, shape, zero_point);
  }
}

}  // namespace triptych
