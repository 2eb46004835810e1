// Int8 kernels for AVX2 without VNNI. No instruction multiplies signed bytes by signed bytes without losing sums, so
//   Q8_0 is widened to int16 on the way from memory and multiplied by int16 activations (vpmaddwd, 16 products);
//   Q4_0 (0..15, unsigned) goes through vpmaddubsw (32 products): the 16 of a block that meet in one int16 come to 30480 at
//        most.
// Tiles of up to 6 rows keep a block's integer sums in registers (12 of 16); float sums are in L1. A chunk of a panel stays
// in L1 while the rows of a group walk it, tile by tile.
#include <immintrin.h>
#include <string.h>

#include <algorithm>

#include "linear/ahead.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

enum Format { kQ8, kQ4 };
constexpr size_t bytes_of(Format f) { return f == kQ8 ? kQ8BlockBytes : kQ4BlockBytes; }

constexpr int kTileRows = 6;
constexpr int kChunkBlocks = 16;  // 17 KiB of weights and 16 of activations

inline int tiles_of(int rows) { return (rows + kTileRows - 1) / kTileRows; }

// The activations' blocks, see layout.h: what all instruction sets have, then from kWordsOffset a row on those of Q8_0.
constexpr size_t kActivationBytes = kMostInt8ActivationBytes, kWordsOffset = kInt8ActivationBytes;

struct Tile {
  const uint8_t* weights;  // first block
  const uint8_t* data;     // activations of the group's first block
  int group, row;          // rows of the group, the tile's first
  int blocks;
  float* sums;             // [rows][kPanel], added to
  Fetch fetch;             // meanwhile, of each block
};

TRIPTYCH_INLINE __m256i broadcast4(const uint8_t* p) { int32_t v; memcpy(&v, p, 4); return _mm256_set1_epi32(v); }
// A sum that is made where it stands. GCC turns chains of integer additions into trees or puts them off, keeps the products
// on the stack meanwhile, and is slower by half.
TRIPTYCH_INLINE __m256i now(__m256i v) { asm volatile("" : "+x"(v)); return v; }
TRIPTYCH_INLINE __m256i widen(const uint8_t* w) { return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i*)w)); }
TRIPTYCH_INLINE __m256i broadcast8(const uint8_t* p) { int64_t v; memcpy(&v, p, 8); return _mm256_set1_epi64x(v); }

// Adds the finished integers (kMagicBits + dot, see layout.h) of R rows and 8 columns to their sums.
template <int R>
TRIPTYCH_INLINE void add_scaled(const __m256i (&a)[R], const float* scale, const float* shift, __m256 s, float* sums) {
  asm volatile("" ::: "memory");  // sums are read here and not before, when registers are short
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) {
    const __m256 d = _mm256_fmadd_ps(_mm256_castsi256_ps(a[r]), _mm256_set1_ps(scale[r]), _mm256_set1_ps(shift[r]));
    _mm256_store_ps(sums + r * kPanel, _mm256_fmadd_ps(d, s, _mm256_load_ps(sums + r * kPanel)));
  }
}

// C times 8 columns of a block at w (their 4 k of one group lie together, groups 128 bytes apart), x: [rows][32 int16]. Each
// column has two sums, of k 0, 1 and of k 2, 3; adding them leaves columns in the order 0 1 4 5 2 3 6 7, in which `sums` holds
// them. fetch(g), g = 0..7, comes between the products.
template <int R, int C, class FetchPart>
TRIPTYCH_INLINE void block_q8(const uint8_t* w, const uint8_t* scales, const uint8_t* x, const float* scale, const float* shift,
                              float* sums, FetchPart fetch) {
  __m256i a[R][2 * C];
#pragma GCC unroll 6
  for (int r = 0; r < R; r++)
#pragma GCC unroll 8
    for (int c = 0; c < 2 * C; c++) a[r][c] = _mm256_set1_epi64x(kMagicBits);
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++) {
    fetch(g);
    if constexpr (C == 1) {  // both weights in registers, one broadcast at a time: six rows leave no more
      const __m256i w0 = widen(w + g * 128), w1 = widen(w + g * 128 + 16);
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) {
        const __m256i xb = broadcast8(x + r * 64 + g * 8);
        a[r][0] = now(_mm256_add_epi32(a[r][0], _mm256_madd_epi16(xb, w0)));
        a[r][1] = now(_mm256_add_epi32(a[r][1], _mm256_madd_epi16(xb, w1)));
      }
    } else {
      __m256i xb[R];
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) xb[r] = broadcast8(x + r * 64 + g * 8);
#pragma GCC unroll 8
      for (int c = 0; c < 2 * C; c++) {
        const __m256i wc = widen(w + g * 128 + c * 16);
#pragma GCC unroll 6
        for (int r = 0; r < R; r++) a[r][c] = now(_mm256_add_epi32(a[r][c], _mm256_madd_epi16(xb[r], wc)));
      }
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) {
    __m256i whole[R];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
      const __m256 a0 = _mm256_castsi256_ps(a[r][2 * c]), a1 = _mm256_castsi256_ps(a[r][2 * c + 1]);
      const __m256 even = _mm256_shuffle_ps(a0, a1, 0x88), odd = _mm256_shuffle_ps(a0, a1, 0xdd);
      whole[r] = _mm256_add_epi32(_mm256_castps_si256(even), _mm256_castps_si256(odd));
    }
    const __m128i halves = _mm_shuffle_epi32(_mm_load_si128((const __m128i*)scales + c), 0xd8);
    add_scaled<R>(whole, scale, shift, _mm256_cvtph_ps(halves), sums + c * 8);
  }
}

// C times 8 columns of a block, x: [rows][32 int8]; fetch(g), g = 0..3.
template <int R, int C, class FetchPart>
TRIPTYCH_INLINE void block_q4(const uint8_t* w, const uint8_t* scales, const uint8_t* x, const float* scale, const float* shift,
                              const int32_t* start, float* sums, FetchPart fetch) {
  const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
  __m256i a[R][C];
#pragma GCC unroll 6
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) a[r][c] = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (int g = 0; g < 4; g++) {
    fetch(g);
    __m256i v[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) v[c] = _mm256_load_si256((const __m256i*)(w + g * 128 + c * 32));
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
      __m256i wc[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        wc[c] = _mm256_and_si256(v[c], low);
        v[c] = _mm256_srli_epi16(v[c], 4);
      }
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) {
        const __m256i xb = broadcast4(x + r * 32 + half * 16 + g * 4);
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) a[r][c] = now(_mm256_add_epi16(a[r][c], _mm256_maddubs_epi16(wc[c], xb)));
      }
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) {
    __m256i whole[R];
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) whole[r] = _mm256_add_epi32(_mm256_madd_epi16(a[r][c], ones), _mm256_set1_epi32(start[r]));
    add_scaled<R>(whole, scale, shift, _mm256_cvtph_ps(_mm_load_si128((const __m128i*)scales + c)), sums + c * 8);
  }
}

// kAll: fetches all lines of a block, as the only tile of a group does.
template <int R, Format F, bool kAll>
__attribute__((noinline)) void tile(const Tile& t) {
  const size_t stride = (size_t)t.group * kActivationBytes;
  const int group = t.group, row = t.row;
  const uint8_t *w = t.weights, *data = t.data;
  Fetch fetch = t.fetch;
  float* sums = t.sums;
  // So many times 8 columns at a time (all four are slower than two: 25 for 45 products a nanosecond with one row), in steps.
  constexpr int kWide = R <= 3 || F == kQ4 ? 2 : 1, kParts = 4 / kWide;
  constexpr int kSteps = F == kQ8 ? 8 : 4, kLines = (int)(bytes_of(F) / 64) - 1, kLinesAStep = kLines / (kParts * kSteps);
  for (int b = t.blocks; b > 0; b--, w += bytes_of(F), data += stride, fetch.from += fetch.step) {
    const float* scale = (const float*)(data + group * (F == kQ8 ? kWordsOffset : 32)) + row;
    const float* shift = scale + group;
    if constexpr (kAll) prefetch(fetch.from, 0);
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) {
      if constexpr (!kAll) fetch_lines<kParts>(fetch.from, fetch.lines, j);
      const auto step = [&](int g) __attribute__((always_inline)) {
        const int i = j * kSteps + g;
        if constexpr (!kAll) return;
        else if constexpr (kLinesAStep == 0) { if (i % 2 == 0) prefetch(fetch.from, 1 + i / 2); }
        else for (int l = 0; l < kLinesAStep; l++) prefetch(fetch.from, 1 + i * kLinesAStep + l);
      };
      const uint8_t *at = w + kScaleBytes + j * kWide * 32, *scales = w + j * kWide * 16;
      if constexpr (F == kQ8)
        block_q8<R, kWide>(at, scales, data + group * (kWordsOffset + 8) + row * 64, scale, shift, sums + j * kWide * 8, step);
      else
        block_q4<R, kWide>(at, scales, data + row * 32, scale, shift, (const int32_t*)(data + group * 44) + row, sums + j * kWide * 8, step);
    }
  }
}

using TileFn = void (*)(const Tile&);
template <Format F, bool kAll>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr,          tile<1, F, kAll>, tile<2, F, kAll>, tile<3, F, kAll>,
                                          tile<4, F, kAll>, tile<5, F, kAll>, tile<6, F, kAll>};

// Sums to `columns` columns of y.
template <Format F>
void store(const float* sums, int rows, float* y, size_t y_stride, int columns) {
  for (int r = 0; r < rows; r++, sums += kPanel, y += y_stride) {
    alignas(32) float line[kPanel];
    float* out = columns >= kPanel ? y : line;
#pragma GCC unroll 4
    for (int j = 0; j < kPanel; j += 8) {
      __m256 v = _mm256_load_ps(sums + j);
      if constexpr (F == kQ8) v = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xd8));
      _mm256_storeu_ps(out + j, v);
    }
    if (columns < kPanel) memcpy(y, line, (size_t)columns * 4);
  }
}

// One panel times all rows of a group. `y` is its first row and column, `columns` of the panel exist. fetch(tile, block,
// blocks): what that tile fetches.
template <Format F, bool kAll, class FetchOf>
void walk(const uint8_t* weights, const Int8Activations& act, int g, float* y, size_t y_stride, int columns, FetchOf fetch) {
  alignas(64) float sums[kInt8Group * kPanel];
  const uint8_t* group = act.data + (size_t)g * act.group_stride();
  const int rows = act.rows_of(g), tiles = tiles_of(rows);
  memset(sums, 0, (size_t)rows * kPanel * sizeof(float));
  for (int b = 0; b < act.blocks; b += kChunkBlocks)
    for (int i = 0; i < tiles; i++) {
      const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0, blocks = std::min(kChunkBlocks, act.blocks - b);
      kTiles<F, kAll>[count]({weights + (size_t)b * bytes_of(F), group + (size_t)b * act.block_stride(), act.group, r0, blocks,
                        sums + r0 * kPanel, fetch(i, b, blocks)});
    }
  store<F>(sums, rows, y, y_stride, columns);
}

// One group: weights come past once, from memory.
template <Format F>
void stream(const PanelRun& run, const Int8Activations& act) {
  const int tiles = tiles_of(act.rows), lines = ((int)(bytes_of(F) / 64) + tiles - 1) / tiles;
  // The first tile walks a chunk `tiles` times as fast as fetching goes on, and must not catch up with it.
  const size_t panel = (size_t)act.blocks * bytes_of(F), chunk = kChunkBlocks * bytes_of(F);
  Ahead ahead{run.data + (size_t)run.prefetch + chunk * (size_t)(tiles - 1) / (size_t)tiles, (size_t)run.panels * panel / 64};
  const auto share = [&](int, int, int blocks) { return ahead.take(blocks, lines); };
  using Share = decltype(share);
  for (int p = 0; p < run.panels; p++)
    (tiles == 1 ? walk<F, true, Share> : walk<F, false, Share>)(run.data + (size_t)p * panel, act, 0, run.y + p * kPanel, run.y_stride,
                                                                run.columns - p * kPanel, share);
}

// Many groups walk the run's panels. Meanwhile each fetches the next one's activations, as far as this format reads them (in
// the blocks that a tile is at, some lines each panel and tile); the last one fetches the next run's weights.
template <Format F>
void resident(const PanelRun& run, const Int8Activations& act) {
  const size_t panel = (size_t)act.blocks * bytes_of(F);
  const int groups = act.groups(), tiles = tiles_of(act.group), steps = tiles * run.panels;
  const size_t offset = F == kQ8 ? (size_t)act.group * kWordsOffset : 0;
  const int lines = act.group * (int)(F == kQ8 ? kActivationBytes - kWordsOffset : kInt8ActivationBytes) / 64;
  const int per_step = (lines + steps - 1) / steps;
  const size_t all_steps = (size_t)steps * (size_t)act.blocks, next_lines = run.next_bytes / 64;
  for (int g = 0; g < groups; g++) {
    const uint8_t* next = act.data + (size_t)(g + 1) * act.group_stride() + offset;
    Ahead ahead{run.next, next_lines};
    for (int p = 0; p < run.panels; p++)
      walk<F, false>(run.data + (size_t)p * panel, act, g, run.y + (size_t)(g * act.group) * run.y_stride + p * kPanel, run.y_stride,
              run.columns - p * kPanel, [&](int tile, int b, int blocks) -> Fetch {
                if (g + 1 == groups) return ahead.take(blocks, (int)std::min<size_t>(kMostAhead, (next_lines + all_steps - 1) / all_steps));
                const int done = (p * tiles + tile) * per_step;
                return {next + (size_t)b * act.block_stride() + done * 64, act.block_stride(), std::clamp(lines - done, 0, per_step)};
              });
  }
}

void int8_panels(const PanelRun& run, const Int8Activations& act) {
  const bool once = act.groups() == 1;
  if (run.type == WeightType::Q8_0) (once ? stream<kQ8> : resident<kQ8>)(run, act);
  else (once ? stream<kQ4> : resident<kQ4>)(run, act);
}

}  // namespace

const LinearKernels kLinearAvx2{quantize_avx2, int8_panels, float_panels_avx2, kActivationBytes};

}  // namespace triptych
