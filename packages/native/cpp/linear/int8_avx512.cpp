// Int8 kernels for AVX-512 VNNI (Intel since Ice Lake, AMD since Zen 4).
//
// A tile is up to 8 rows x one or two panels over all of k. Per block and panel: 16 integer accumulators (8 rows x 32
// columns), 2 weight vectors, 1 broadcast; 8 vpdpbusd and 2 FMAs per (row, 16 columns) (see layout.h for how the FMA
// also converts), all on the two ports that can do them, so 0.8 of the vpdpbusd rate is the ceiling. Taller tiles spill,
// shorter ones waste loads.
// Two panels at a time give memory two streams to run ahead in and use each block of activations twice.
//
// vpdpbusd wants unsigned weights. Up to 16 rows the sign bit is flipped on the fly (a step is then bound by memory);
// above, a run of panels is expanded once into scratch, as unsigned bytes, and walked by all row groups from L2.
#include <immintrin.h>
#include <string.h>

#include "linear/kernels.h"

namespace triptych {
namespace {

enum Format { kQ8, kQ4, kExpanded };  // kExpanded: Q8_0's layout with unsigned bytes, in L2
constexpr size_t bytes_of(Format f) { return f == kQ4 ? kQ4BlockBytes : kQ8BlockBytes; }
constexpr int kNear = 2;  // blocks ahead for L2 -> L1

struct Tile {
  const uint8_t* weights[2];  // panels
  const uint8_t* q;           // first row of the tile: [rows x 32 int8], and its scale, shift and start
  const float* scale;
  const float* shift;
  const int32_t* start;
  size_t stride;              // bytes from one block of activations to the next
  int blocks;
  float* y;                   // [rows, 32 per panel]
  size_t y_stride;
  int distance;               // streaming formats: fetch to L2 this many bytes ahead
  const uint8_t* ahead;       // kExpanded: what to fetch to L2 meanwhile,
  int ahead_lines;            // so many lines per block
};

// A function that only prefetches must be always_inline: GCC sees no effect in it and drops the call.
#define TRIPTYCH_INLINE inline __attribute__((always_inline))

// Fetches the two lines of a k-group. Between the dot products and not in one burst per block: a burst would occupy all
// of L1's miss buffers, and computing would wait for memory instead of overlapping with it. Streams go to L2 (T1) for
// the same reason.
template <Format F>
TRIPTYCH_INLINE void fetch(const uint8_t* line, int distance) {
  constexpr _mm_hint kHint = F == kExpanded ? _MM_HINT_T0 : _MM_HINT_T1;
  _mm_prefetch((const char*)line + distance, kHint);
  _mm_prefetch((const char*)line + distance + 64, kHint);
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

// Blocks of one panel before the other's turn. While bound by memory, two streams that advance together are best; when
// bound by computing, keeping sums in registers is.
template <int R, Format F>
constexpr int kChunk = F == kQ8 || (F == kQ4 && R < 7) ? 1 : 4;

// Float sums of a tile. In chunks of several blocks those of the first rows are in registers, as many as fit beside the
// integers; the others, and all of them between chunks, are in L1. (Every store makes loads 4096 bytes apart wait.)
template <int R, Format F>
struct Sums {
  static constexpr int kRegisters = kChunk<R, F> == 1 ? 0 : R <= 7 ? R : 6;
  __m512 f[kRegisters ? kRegisters : 1][2];

  TRIPTYCH_INLINE void load(const float* p) {
#pragma GCC unroll 8
    for (int r = 0; r < kRegisters; r++) f[r][0] = _mm512_load_ps(p + r * 32), f[r][1] = _mm512_load_ps(p + r * 32 + 16);
  }
  TRIPTYCH_INLINE void store(float* p) const {
#pragma GCC unroll 8
    for (int r = 0; r < kRegisters; r++) _mm512_store_ps(p + r * 32, f[r][0]), _mm512_store_ps(p + r * 32 + 16, f[r][1]);
  }
};

// One block of one panel: sums [R][32] += x * w.
template <int R, Format F>
TRIPTYCH_INLINE void block(const uint8_t* w, const uint8_t* q, const float* scale, const float* shift, const int32_t* start,
                           int distance, Sums<R, F>& sums, float* memory) {
  __m512i a[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) a[r][0] = a[r][1] = _mm512_set1_epi32(start[r]);
  const uint8_t* v = w + kScaleBytes;
  if (F != kExpanded) _mm_prefetch((const char*)w + distance, _MM_HINT_T1);  // the line of scales
  if constexpr (F == kQ4) {
    const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++) {
      fetch<F>(v + g * 128, distance);
      const __m512i v0 = _mm512_load_si512(v + g * 128), v1 = _mm512_load_si512(v + g * 128 + 64);
      dot<R>(a, _mm512_and_si512(v0, low), _mm512_and_si512(v1, low), q + g * 4);
      dot<R>(a, _mm512_and_si512(_mm512_srli_epi16(v0, 4), low), _mm512_and_si512(_mm512_srli_epi16(v1, 4), low),
             q + 16 + g * 4);
    }
  } else {
    const __m512i sign = _mm512_set1_epi8((char)0x80);
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
      fetch<F>(v + g * 128, distance);
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
    if (r < Sums<R, F>::kRegisters) {
      sums.f[r][0] = _mm512_fmadd_ps(d0, s0, sums.f[r][0]);
      sums.f[r][1] = _mm512_fmadd_ps(d1, s1, sums.f[r][1]);
    } else {
      float* p = memory + r * 32;
      _mm512_store_ps(p, _mm512_fmadd_ps(d0, s0, _mm512_load_ps(p)));
      _mm512_store_ps(p + 16, _mm512_fmadd_ps(d1, s1, _mm512_load_ps(p + 16)));
    }
  }
}

// Where a tile is in its activations.
struct Cursor {
  const uint8_t* q;
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

// `count` blocks of one panel.
template <int R, Format F>
TRIPTYCH_INLINE void chunk(const uint8_t* w, Cursor a, size_t stride, int count, int distance, float* memory) {
  Sums<R, F> sums;
  sums.load(memory);
  for (int b = 0; b < count; b++, w += bytes_of(F), a.advance(stride))
    block<R, F>(w, a.q, a.scale, a.shift, a.start, distance, sums, memory);
  sums.store(memory);
}

template <int R, Format F, int P>
__attribute__((noinline)) void tile(const Tile& t) {
  constexpr int kStep = kChunk<R, F>;
  alignas(64) float memory[P][R * 32];  // a local array: through a pointer GCC is 14% slower
  for (int i = 0; i < P * R * 2; i++) _mm512_store_ps(&memory[0][0] + i * 16, _mm512_setzero_ps());
  const int distance = F == kExpanded ? kNear * (int)bytes_of(F) : t.distance;
  const size_t stride = t.stride;
  const uint8_t *w0 = t.weights[0], *w1 = t.weights[1], *ahead = t.ahead;
  Cursor a{t.q, t.scale, t.shift, t.start};
  for (int b = 0; b < t.blocks; b += kStep) {
    const int count = kStep == 1 ? 1 : t.blocks - b < kStep ? t.blocks - b : kStep;
    if constexpr (F == kExpanded) {
      for (int i = 0; i < t.ahead_lines * count; i++) _mm_prefetch((const char*)ahead + i * 64, _MM_HINT_T1);
      ahead += t.ahead_lines * count * 64;
    }
    chunk<R, F>(w0, a, stride, count, distance, memory[0]);
    if constexpr (P == 2) chunk<R, F>(w1, a, stride, count, distance, memory[1]);
    w0 += kStep * bytes_of(F);
    w1 += kStep * bytes_of(F);
    a.advance(stride * kStep);
  }
  for (int r = 0; r < R; r++)
    for (int p = 0; p < P; p++)
      for (int h = 0; h < 32; h += 16) _mm512_storeu_ps(t.y + r * t.y_stride + p * 32 + h, _mm512_load_ps(memory[p] + r * 32 + h));
}

using TileFn = void (*)(const Tile&);
constexpr int kTileRows = 8;
template <Format F, int P>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr,       tile<1, F, P>, tile<2, F, P>, tile<3, F, P>, tile<4, F, P>,
                                          tile<5, F, P>, tile<6, F, P>, tile<7, F, P>, tile<8, F, P>};
TileFn tile_of(Format f, int rows, int panels) {
  if (panels == 2) return f == kQ8 ? kTiles<kQ8, 2>[rows] : f == kQ4 ? kTiles<kQ4, 2>[rows] : kTiles<kExpanded, 2>[rows];
  return f == kQ8 ? kTiles<kQ8, 1>[rows] : f == kQ4 ? kTiles<kQ4, 1>[rows] : kTiles<kExpanded, 1>[rows];
}

// Rows of a group in tiles of nearly equal height.
int tiles_of(int rows) { return (rows + kTileRows - 1) / kTileRows; }

// All rows of one group times one or two panels, of which `columns` exist. `t` carries weights and fetching.
void multiply(Tile t, Format format, int zero_point, const Int8Activations& act, int g, int panels, float* y, size_t y_stride,
              int columns) {
  const uint8_t* base = act.data + (size_t)g * act.group_stride();
  const int rows = act.rows_of(g), tiles = tiles_of(rows);
  t.blocks = act.blocks;
  t.stride = act.block_stride();
  for (int i = 0; i < tiles; i++) {
    const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0;
    t.q = base + r0 * 32;
    t.scale = (const float*)(base + act.scale_offset()) + r0;
    t.shift = (const float*)(base + act.shift_offset()) + r0;
    t.start = (const int32_t*)(base + act.start_offset(zero_point)) + r0;
    alignas(64) float partial[kTileRows * 2 * kPanel];
    const bool whole = columns >= panels * kPanel;
    float* out = y + (size_t)(g * act.group + r0) * y_stride;
    t.y = whole ? out : partial;
    t.y_stride = whole ? y_stride : 2 * kPanel;
    tile_of(format, count, panels)(t);
    for (int r = 0; !whole && r < count; r++) memcpy(out + (size_t)r * y_stride, partial + r * 2 * kPanel, (size_t)columns * 4);
    // The second tile finds the panels in cache.
    t.distance = 0;
    if (t.ahead_lines) t.ahead += (size_t)t.ahead_lines * 64 * (size_t)t.blocks;
  }
}

// Few rows: weights stream past once.
void stream(const PanelRun& run, const Int8Activations& act, int zero_point) {
  const size_t panel = panel_bytes(run.type, act.blocks * kBlock);
  for (int p = 0; p < run.panels; p += 2) {
    Tile t{};
    t.weights[0] = run.data + (size_t)p * panel;
    t.weights[1] = t.weights[0] + panel;
    t.distance = run.prefetch;
    multiply(t, run.type == WeightType::Q8_0 ? kQ8 : kQ4, zero_point, act, 0, run.panels - p < 2 ? 1 : 2, run.y + p * kPanel,
             run.y_stride, run.columns - p * kPanel);
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
  const int groups = act.groups(), tiles = tiles_of(act.group), pairs = (run.panels + 1) / 2;
  const size_t calls = (size_t)groups * (size_t)tiles * (size_t)pairs, steps = calls * (size_t)act.blocks;
  const size_t next_lines = run.next_bytes / 64, per_step = (next_lines + steps - 1) / steps;
  size_t fetched = 0;
  for (int g = 0; g < groups; g++)
    for (int p = 0; p < run.panels; p += 2) {
      Tile t{};
      t.weights[0] = run.scratch + (size_t)p * expanded;
      t.weights[1] = t.weights[0] + expanded;
      if (fetched < next_lines) {
        t.ahead = run.next + fetched * 64;
        t.ahead_lines = (int)per_step;
        fetched += per_step * (size_t)tiles * (size_t)act.blocks;
      }
      multiply(t, kExpanded, zero_point, act, g, run.panels - p < 2 ? 1 : 2, run.y + p * kPanel, run.y_stride,
               run.columns - p * kPanel);
    }
}

}  // namespace

void int8_panels_avx512(const PanelRun& run, const Int8Activations& act) {
  const int zero_point = run.type == WeightType::Q8_0 ? 128 : 8;
  if (act.groups() == 1) stream(run, act, zero_point);
  else resident(run, act, zero_point);
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
