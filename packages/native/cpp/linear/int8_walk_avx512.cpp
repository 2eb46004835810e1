// Int8 kernels for AVX-512 VNNI, from six or seven rows on (fewer: int8_avx512.cpp): tiles of up to 6 rows x one panel that
// keep every sum, integer and float, in registers (24 of them, 2 weight vectors, 1 broadcast). A store of 512 bits takes a
// slot from the dot products on Zen 5 (93 cycles a block of 8 x 32 with the float sums in L1, 80 without its stores), so
// nothing is stored but once per chunk of blocks. 8 vpdpbusd and 2 FMAs per (row, 16 columns) (layout.h: how an FMA also
// converts) leave 0.8 of the vpdpbusd rate as the ceiling.
//
// A chunk of a panel stays in L1 while the rows of a group walk it, tile by tile. Each tile fetches its share of what
// comes next to L2, a line or two per k-group: a burst would occupy L1's miss buffers and computing would wait.
#include <algorithm>

#include "linear/int8_dots_avx512.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

constexpr int kTileRows = 6;
// Up to so many groups Q8_0's signs are flipped by every tile: free on Zen 4, where adding pipes do it; on Intel
// (not measured) it takes turns with the dot products, 16 for 96. Expanding first costs 6% of 64 rows.
constexpr int kMostAsStored = 8;
constexpr int kChunkBlocks = 16;  // 17 KiB of weights and 12 KiB of activations

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

template <int R, Format F, bool kAhead>
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
  Cursor c = t.activations;
  for (int b = t.blocks; b > 0; b--) {
    __m512i a[R][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) a[r][0] = a[r][1] = _mm512_set1_epi32(c.start[r]);
    dots<R, F>(a, w + kScaleBytes, c.q, [&](int i) __attribute__((always_inline)) {
      if constexpr (kAhead) fetch_lines<8>(share.from, share.lines, i);
    });
    const __m512 s0 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)w));
    const __m512 s1 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)(w + 32)));
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const __m512 e = _mm512_set1_ps(c.scale[r]), m = _mm512_set1_ps(c.shift[r]);
      sums[r][0] = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_castsi512_ps(a[r][0]), e, m), s0, sums[r][0]);
      sums[r][1] = _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_castsi512_ps(a[r][1]), e, m), s1, sums[r][1]);
    }
    w += bytes_of(F);
    c.advance(stride);
    if constexpr (kAhead) share.from += share.step;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    _mm512_storeu_ps(t.to + r * t.to_stride, sums[r][0]);
    _mm512_storeu_ps(t.to + r * t.to_stride + 16, sums[r][1]);
  }
}

using TileFn = void (*)(const Tile&);
template <Format F, bool kAhead>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr,            tile<1, F, kAhead>, tile<2, F, kAhead>, tile<3, F, kAhead>,
                                          tile<4, F, kAhead>, tile<5, F, kAhead>, tile<6, F, kAhead>};
template <Format F>
TileFn tile_of(int rows, bool ahead) { return ahead ? kTiles<F, true>[rows] : kTiles<F, false>[rows]; }

// Fetches the lines of y that a tile will write, as long before as the tile takes. Each lies in a page of its own, and stores that
// miss hold up what follows: 4% of 512 rows on Zen 4.
TRIPTYCH_INLINE void fetch_results(const Tile& t, int rows) {
  for (int r = 0; r < rows; r++) {
    const char* line = (const char*)(t.to + (size_t)r * t.to_stride);
    _mm_prefetch(line, _MM_HINT_T0);
    _mm_prefetch(line + 64, _MM_HINT_T0);
  }
}

// One panel times all rows of a group. `y` is its first row and column, `columns` of the panel exist.
template <Format F>
void walk(const uint8_t* weights, const Int8Activations& act, int g, int zero_point, float* y, size_t y_stride, int columns,
          Ahead& ahead, int per_block) {
  alignas(64) float sums[kInt8Group * kPanel];
  const uint8_t* group = act.data + (size_t)g * act.group_stride();
  const int rows = act.rows_of(g), tiles = (rows + kTileRows - 1) / kTileRows;
  const bool whole = columns >= kPanel;
  for (int b = 0; b < act.blocks; b += kChunkBlocks) {
    const uint8_t* data = group + (size_t)b * act.block_stride();
    const bool to_y = whole && b + kChunkBlocks >= act.blocks;
    for (int i = 0; i < tiles; i++) {
      const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0;
      float* sum = sums + r0 * kPanel;
      Tile t{};
      t.weights = weights + (size_t)b * bytes_of(F);
      t.activations = {data + r0 * 32, (const float*)(data + act.scale_offset()) + r0,
                       (const float*)(data + act.shift_offset()) + r0, (const int32_t*)(data + act.start_offset(zero_point)) + r0};
      t.stride = act.block_stride();
      t.blocks = std::min(kChunkBlocks, act.blocks - b);
      t.from = b ? sum : nullptr;
      t.to = to_y ? y + (size_t)r0 * y_stride : sum;
      t.to_stride = to_y ? y_stride : kPanel;
      t.fetch = ahead.take(t.blocks, per_block);
      if (to_y) fetch_results(t, count);
      tile_of<F>(count, t.fetch.lines > 0)(t);
    }
  }
  for (int r = 0; !whole && r < rows; r++) memcpy(y + (size_t)r * y_stride, sums + r * kPanel, (size_t)columns * 4);
}

// One group: weights come past once, from memory.
template <Format F>
void stream(const PanelRun& run, const Int8Activations& act, int zero_point) {
  const int tiles = (act.rows + kTileRows - 1) / kTileRows, lines = (int)(bytes_of(F) / 64);
  // The first tile walks a chunk `tiles` times as fast as fetching goes on, and must not catch up with it.
  const size_t panel = (size_t)act.blocks * bytes_of(F), chunk = kChunkBlocks * bytes_of(F);
  const size_t distance = (size_t)run.prefetch + chunk * (size_t)(tiles - 1) / (size_t)tiles;
  Ahead ahead{run.data + distance, (size_t)run.panels * panel / 64};
  for (int p = 0; p < run.panels; p++)
    walk<F>(run.data + (size_t)p * panel, act, 0, zero_point, run.y + p * kPanel, run.y_stride, run.columns - p * kPanel, ahead,
            (lines + tiles - 1) / tiles);
}

void expand(WeightType type, const uint8_t* src, int blocks, uint8_t* dst) {
  const __m512i sign = _mm512_set1_epi8((char)0x80), low = _mm512_set1_epi8(15);
  for (int b = 0; b < blocks; b++, src += block_bytes(type), dst += kQ8BlockBytes) {
    _mm512_store_si512(dst, _mm512_load_si512(src));
    const uint8_t* s = src + kScaleBytes;
    uint8_t* d = dst + kScaleBytes;
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
void resident(const PanelRun& run, const uint8_t* weights, const Int8Activations& act, int zero_point) {
  const size_t panel = (size_t)act.blocks * bytes_of(F), next_lines = run.next_bytes / 64;
  const int groups = act.groups(), tiles = (act.group + kTileRows - 1) / kTileRows;
  const size_t steps = (size_t)tiles * (size_t)run.panels * (size_t)act.blocks;  // of a group
  const int per_block = (int)std::min<size_t>(kMostAhead, (next_lines + steps * (size_t)groups - 1) / (steps * (size_t)groups));
  const int fetching = per_block == 0 ? 0 : (int)((next_lines + steps * (size_t)per_block - 1) / (steps * (size_t)per_block));
  Ahead ahead;
  for (int g = 0; g < groups; g++) {
    if (g == std::max(0, groups - fetching)) ahead = {run.next, next_lines};
    for (int p = 0; p < run.panels; p++)
      walk<F>(weights + (size_t)p * panel, act, g, zero_point, run.y + (size_t)(g * act.group) * run.y_stride + p * kPanel,
              run.y_stride, run.columns - p * kPanel, ahead, per_block);
  }
}

}  // namespace

void int8_walk_avx512(const PanelRun& run, const Int8Activations& act) {
  const int zero_point = run.type == WeightType::Q8_0 ? 128 : 8;
  const int groups = act.groups();
  if (groups > 1 && groups <= kMostAsStored && run.type == WeightType::Q8_0) {
    resident<kQ8>(run, run.data, act, zero_point);
  } else if (groups > 1) {
    expand(run.type, run.data, act.blocks * run.panels, run.scratch);
    resident<kExpanded>(run, run.scratch, act, zero_point);
  } else if (run.type == WeightType::Q8_0) {
    stream<kQ8>(run, act, zero_point);
  } else {
    stream<kQ4>(run, act, zero_point);
  }
}

}  // namespace triptych
