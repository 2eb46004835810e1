// Int8 kernels for AVX-512 VNNI (Intel since Ice Lake, AMD since Zen 4).
//
// A tile is up to 8 rows x 32 columns over all of k: 16 integer accumulators, 2 weight vectors, 1 broadcast. Per block
// and (row, 16 columns) it takes 8 vpdpbusd and 2 FMAs (see layout.h for how the FMA also converts), all on the two
// ports that can do them, so 0.8 of the vpdpbusd rate is the ceiling; taller tiles spill, shorter ones waste loads.
//
// vpdpbusd wants unsigned weights. Up to 16 rows the sign bit is flipped on the fly (a step is then bound by memory);
// above, a run of panels is expanded once into scratch, as unsigned bytes, and walked by all row groups from L2.
#include <immintrin.h>
#include <string.h>

#include "linear/kernels.h"

namespace triptych {
namespace {

enum Format { kQ8, kQ4, kExpanded };  // kExpanded: Q8_0's layout with unsigned bytes
constexpr size_t bytes_of(Format f) { return f == kQ4 ? kQ4BlockBytes : kQ8BlockBytes; }
constexpr int lines_of(Format f) { return (int)(bytes_of(f) / 64); }
constexpr int kNear = 2;  // blocks ahead for L2 -> L1

struct Tile {
  const uint8_t* weights;
  const uint8_t* q;        // first row of the tile: [rows x 32 int8], and its scale, shift and start
  const float* scale;
  const float* shift;
  const int32_t* start;
  size_t stride;           // bytes from one block of activations to the next
  int blocks;
  float* y;
  size_t y_stride;
  const uint8_t* ahead;    // weights to fetch into L2 while computing
  int ahead_lines;         // per block; < 0: `ahead` follows this very panel at a fixed distance
};

template <int N, _mm_hint Hint>
inline void fetch_lines(const uint8_t* p) {
  // In two parts: GCC unrolls at most 16 times.
  for (int i = 0; i < N / 2; i++) _mm_prefetch((const char*)p + i * 64, Hint);
  for (int i = N / 2; i < N; i++) _mm_prefetch((const char*)p + i * 64, Hint);
}

// Weights go to L2 (T1), not L1: L1 has too few miss buffers, and a prefetch waiting for one stalls loads.
template <int R, Format F>
inline void fetch(const Tile& t, const uint8_t* w, const uint8_t* q, const uint8_t*& ahead) {
  if (t.ahead_lines < 0) {
    fetch_lines<lines_of(F), _MM_HINT_T1>(ahead);
    ahead += bytes_of(F);
    return;
  }
  fetch_lines<lines_of(F), _MM_HINT_T0>(w + kNear * bytes_of(F));
  fetch_lines<(R * 32 + 63) / 64 + 1, _MM_HINT_T0>(q + kNear * t.stride);
  for (int i = 0; i < t.ahead_lines; i++) _mm_prefetch((const char*)ahead + i * 64, _MM_HINT_T1);
  ahead += t.ahead_lines * 64;
}

template <int R>
inline void dot(__m512i (&a)[R][2], __m512i w0, __m512i w1, const uint8_t* q) {
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    int32_t x;
    memcpy(&x, q + r * 32, 4);
    const __m512i xb = _mm512_set1_epi32(x);
    a[r][0] = _mm512_dpbusd_epi32(a[r][0], w0, xb);
    a[r][1] = _mm512_dpbusd_epi32(a[r][1], w1, xb);
  }
}

template <int R, Format F>
__attribute__((noinline)) void tile(const Tile& t) {
  // Up to 6 rows the float sums stay in registers beside the integer ones; above they live in L1, where loading and
  // storing them hides behind the dot products. They must be a local array: through a pointer GCC is 14% slower.
  constexpr bool kInRegisters = R <= 6;
  alignas(64) float sums[R * 32];
  __m512 f[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
    for (int h = 0; h < 2; h++) {
      f[r][h] = _mm512_setzero_ps();
      if (!kInRegisters) _mm512_store_ps(sums + r * 32 + h * 16, _mm512_setzero_ps());
    }
  const uint8_t *w = t.weights, *q = t.q, *ahead = t.ahead;
  const float *scale = t.scale, *shift = t.shift;
  const int32_t* start = t.start;
  const size_t stride = t.stride, stride4 = t.stride / 4;
  for (int b = 0; b < t.blocks; b++) {
    fetch<R, F>(t, w, q, ahead);
    __m512i a[R][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) a[r][0] = a[r][1] = _mm512_set1_epi32(start[r]);
    const uint8_t* v = w + kScaleBytes;
    if constexpr (F == kQ4) {
      const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
      for (int g = 0; g < 4; g++) {
        const __m512i v0 = _mm512_load_si512(v + g * 128), v1 = _mm512_load_si512(v + g * 128 + 64);
        dot<R>(a, _mm512_and_si512(v0, low), _mm512_and_si512(v1, low), q + g * 4);
        dot<R>(a, _mm512_and_si512(_mm512_srli_epi16(v0, 4), low), _mm512_and_si512(_mm512_srli_epi16(v1, 4), low),
               q + 16 + g * 4);
      }
    } else {
      const __m512i sign = _mm512_set1_epi8((char)0x80);
#pragma GCC unroll 8
      for (int g = 0; g < 8; g++) {
        __m512i w0 = _mm512_load_si512(v + g * 128), w1 = _mm512_load_si512(v + g * 128 + 64);
        if constexpr (F == kQ8) w0 = _mm512_xor_si512(w0, sign), w1 = _mm512_xor_si512(w1, sign);
        dot<R>(a, w0, w1, q + g * 4);
      }
    }
    const __m512 s0 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)w));
    const __m512 s1 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)(w + 32)));
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const __m512 e = _mm512_set1_ps(scale[r]), m = _mm512_set1_ps(shift[r]);
      const __m512 d0 = _mm512_fmadd_ps(_mm512_castsi512_ps(a[r][0]), e, m);
      const __m512 d1 = _mm512_fmadd_ps(_mm512_castsi512_ps(a[r][1]), e, m);
      if (kInRegisters) {
        f[r][0] = _mm512_fmadd_ps(d0, s0, f[r][0]);
        f[r][1] = _mm512_fmadd_ps(d1, s1, f[r][1]);
      } else {
        float* p = sums + r * 32;
        _mm512_store_ps(p, _mm512_fmadd_ps(d0, s0, _mm512_load_ps(p)));
        _mm512_store_ps(p + 16, _mm512_fmadd_ps(d1, s1, _mm512_load_ps(p + 16)));
      }
    }
    w += bytes_of(F);
    q += stride;
    scale += stride4;
    shift += stride4;
    start += stride4;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
    for (int h = 0; h < 2; h++)
      _mm512_storeu_ps(t.y + r * t.y_stride + h * 16, kInRegisters ? f[r][h] : _mm512_load_ps(sums + r * 32 + h * 16));
}

using TileFn = void (*)(const Tile&);
constexpr int kTileRows = 8;
template <Format F>
constexpr TileFn kTiles[9] = {nullptr,    tile<1, F>, tile<2, F>, tile<3, F>, tile<4, F>,
                                          tile<5, F>, tile<6, F>, tile<7, F>, tile<8, F>};
TileFn tile_of(Format f, int rows) {
  return f == kQ8 ? kTiles<kQ8>[rows] : f == kQ4 ? kTiles<kQ4>[rows] : kTiles<kExpanded>[rows];
}

// Rows of a group in tiles of nearly equal height.
int tiles_of(int rows) { return (rows + kTileRows - 1) / kTileRows; }

struct Source {  // where a panel of weights is read from
  Format format;
  int zero_point;
};

// All rows of one group times one panel. `t` carries weights, blocks and prefetching.
void group_times_panel(Tile t, Source source, const Int8Activations& act, int g, float* y, size_t y_stride, int columns) {
  const uint8_t* base = act.data + (size_t)g * act.group_stride();
  const int rows = act.rows_of(g), tiles = tiles_of(rows);
  t.stride = act.block_stride();
  const uint8_t* ahead = t.ahead;
  for (int i = 0; i < tiles; i++) {
    const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0;
    t.q = base + r0 * 32;
    t.scale = (const float*)(base + act.scale_offset()) + r0;
    t.shift = (const float*)(base + act.shift_offset()) + r0;
    t.start = (const int32_t*)(base + act.start_offset(source.zero_point)) + r0;
    t.ahead = ahead;
    alignas(64) float partial[kTileRows * kPanel];
    const bool whole = columns >= kPanel;
    float* out = y + (size_t)(g * act.group + r0) * y_stride;
    t.y = whole ? out : partial;
    t.y_stride = whole ? y_stride : kPanel;
    tile_of(source.format, count)(t);
    for (int r = 0; !whole && r < count; r++) memcpy(out + (size_t)r * y_stride, partial + r * kPanel, (size_t)columns * 4);
    if (t.ahead_lines > 0) ahead += (size_t)t.ahead_lines * 64 * (size_t)t.blocks;
  }
}

// Few rows: weights stream past once.
void stream(const PanelRun& run, const Int8Activations& act, Source source) {
  const size_t panel = panel_bytes(run.type, act.blocks * kBlock);
  const int tiles = tiles_of(act.rows);
  for (int p = 0; p < run.panels; p++) {
    Tile t{};
    t.weights = run.data + (size_t)p * panel;
    t.blocks = act.blocks;
    // One tile: fetch a distance ahead. Two: the tiles share fetching the next panel.
    t.ahead = tiles == 1 ? t.weights + run.prefetch : t.weights + panel;
    t.ahead_lines = tiles == 1 ? -1 : (lines_of(source.format) + tiles - 1) / tiles;
    group_times_panel(t, source, act, 0, run.y + p * kPanel, run.y_stride, run.columns - p * kPanel);
  }
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

// Many rows: the run's panels, expanded, stay in L2 while every row group walks them; the next run is fetched meanwhile.
void resident(const PanelRun& run, const Int8Activations& act, int zero_point) {
  const size_t expanded = (size_t)act.blocks * kQ8BlockBytes;
  expand(run.type, run.data, act.blocks * run.panels, run.scratch);
  const int groups = act.groups(), tiles = tiles_of(act.group);
  const size_t steps = (size_t)groups * (size_t)tiles * (size_t)run.panels * (size_t)act.blocks;
  const size_t next_lines = run.next_bytes / 64, per_step = (next_lines + steps - 1) / steps;
  const size_t per_call = per_step * (size_t)tiles * (size_t)act.blocks;
  size_t fetched = 0;
  for (int g = 0; g < groups; g++)
    for (int p = 0; p < run.panels; p++) {
      Tile t{};
      t.weights = run.scratch + (size_t)p * expanded;
      t.blocks = act.blocks;
      const bool left = fetched < next_lines;
      t.ahead = left ? run.next + fetched * 64 : run.data;
      t.ahead_lines = left ? (int)per_step : 0;
      fetched += left ? per_call : 0;
      group_times_panel(t, {kExpanded, zero_point}, act, g, run.y + p * kPanel, run.y_stride, run.columns - p * kPanel);
    }
}

}  // namespace

void int8_panels_avx512(const PanelRun& run, const Int8Activations& act) {
  const Source source{run.type == WeightType::Q8_0 ? kQ8 : kQ4, run.type == WeightType::Q8_0 ? 128 : 8};
  if (act.groups() == 1) stream(run, act, source);
  else resident(run, act, source.zero_point);
}

void quantize_avx512(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  const __m512i magnitude_mask = _mm512_set1_epi32(0x7fffffff);
  const __m256i ones = _mm256_set1_epi8(1);
  for (int b = block0; b < block1; b++) {
    uint8_t* out = group + (size_t)b * (size_t)group_rows * 48;
    const __m512 v0 = x ? _mm512_loadu_ps(x + b * kBlock) : _mm512_setzero_ps();
    const __m512 v1 = x ? _mm512_loadu_ps(x + b * kBlock + 16) : _mm512_setzero_ps();
    // As integers, so that NaN is larger than everything.
    const __m512i m = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(v0), magnitude_mask),
                                       _mm512_and_si512(_mm512_castps_si512(v1), magnitude_mask));
    const uint32_t top = (uint32_t)_mm512_reduce_max_epu32(m);
    float magnitude, scale = 0.0f, inverse = 0.0f;
    memcpy(&magnitude, &top, 4);
    if (!(magnitude <= kMaxActivation)) {
      const uint32_t nan = 0x7fc00000u;
      memcpy(&scale, &nan, 4);
    } else if (magnitude >= kMinActivation) {
      inverse = 127.0f / magnitude;
      const float s = magnitude * (1.0f / 127.0f);
      uint32_t bits;
      memcpy(&bits, &s, 4);
      bits &= ~3u;
      memcpy(&scale, &bits, 4);
    }
    __m256i q = _mm256_setzero_si256();
    if (inverse != 0.0f) {
      const __m512 i = _mm512_set1_ps(inverse);
      const __m128i q0 = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(v0, i)));
      const __m128i q1 = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(v1, i)));
      q = _mm256_set_m128i(q1, q0);
    }
    _mm256_storeu_si256((__m256i*)(out + r * 32), q);
    const __m256i s = _mm256_dpbusd_epi32(_mm256_setzero_si256(), ones, q);
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0xb1));
    const int32_t sum = _mm_cvtsi128_si32(s4);
    const float shift = -kMagic * scale;
    const int32_t start128 = kMagicBits - 128 * sum, start8 = kMagicBits - 8 * sum;
    memcpy(out + group_rows * 32 + r * 4, &scale, 4);
    memcpy(out + group_rows * 36 + r * 4, &shift, 4);
    memcpy(out + group_rows * 40 + r * 4, &start128, 4);
    memcpy(out + group_rows * 44 + r * 4, &start8, 4);
  }
}

const LinearKernels kLinearAvx512{quantize_avx512, int8_panels_avx512, float_panels_avx512};

}  // namespace triptych
