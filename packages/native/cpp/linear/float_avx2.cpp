// Float kernels for AVX2 and FMA: tiles of up to 3 rows x 32 columns (12 sums in 16 registers), one FMA chain per output
// in k order. Several groups of rows: half-precision panels are converted once into scratch.
#include <immintrin.h>
#include <string.h>

#include "linear/ahead.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

// Eight weights of the i-th k of a step, from column 8 j on.
template <WeightType T>
inline __m256 load(const uint8_t* p, int i, int j) {
  if constexpr (T == WeightType::F32) return _mm256_load_ps((const float*)p + j * 8);
  if constexpr (T == WeightType::F16) return _mm256_cvtph_ps(_mm_load_si128((const __m128i*)p + j));
  const __m256i pairs = _mm256_load_si256((const __m256i*)p + j);
  // Not by a mask, for which three rows leave no register.
  return _mm256_castsi256_ps(_mm256_slli_epi32(i == 0 ? pairs : _mm256_srli_epi32(pairs, 16), 16));
}

// Adds the i-th k of a step at w, for rows at x.
template <int R, WeightType T>
TRIPTYCH_INLINE void add(__m256 (&sums)[R][4], const uint8_t* w, int i, const float* x) {
  __m256 v[R];
#pragma GCC unroll 3
  for (int r = 0; r < R; r++) v[r] = _mm256_set1_ps(x[r]);
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256 wj = load<T>(w, i, j);
#pragma GCC unroll 3
    for (int r = 0; r < R; r++) sums[r][j] = _mm256_fmadd_ps(v[r], wj, sums[r][j]);
    // One weight after the other: three rows leave no register for a second.
    if constexpr (R == 3) asm volatile("" : "+x"(sums[0][j]), "+x"(sums[1][j]), "+x"(sums[2][j]));
  }
}

template <int R, WeightType T>
__attribute__((noinline)) void tile(const uint8_t* w, const float* x, int group, int k, size_t ahead, float* y, size_t y_stride) {
  __m256 sums[R][4];
#pragma GCC unroll 3
  for (int r = 0; r < R; r++)
    for (int j = 0; j < 4; j++) sums[r][j] = _mm256_setzero_ps();
  for (int i = 0; i + kStep<T> <= k; i += kStep<T>, w += kStepBytes<T>, x += group) {
    if (ahead)
      for (size_t l = 0; l < kStepBytes<T>; l += 64) _mm_prefetch((const char*)w + ahead + l, _MM_HINT_T1);
    add<R, T>(sums, w, 0, x);
    if constexpr (kStep<T> == 2) {
      x += group;
      asm volatile("" : "+r"(x), "+r"(w));  // and one k after the other
      add<R, T>(sums, w, 1, x);
    }
  }
  if (k % kStep<T> != 0) add<R, T>(sums, w, 0, x);
#pragma GCC unroll 3
  for (int r = 0; r < R; r++)
    for (int j = 0; j < 4; j++) _mm256_storeu_ps(y + (size_t)r * y_stride + j * 8, sums[r][j]);
}

using TileFn = void (*)(const uint8_t*, const float*, int, int, size_t, float*, size_t);
constexpr int kTileRows = 3;
template <WeightType T>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr, tile<1, T>, tile<2, T>, tile<3, T>};
TileFn tile_of(WeightType t, int rows) {
  return t == WeightType::F32 ? kTiles<WeightType::F32>[rows]
         : t == WeightType::F16 ? kTiles<WeightType::F16>[rows] : kTiles<WeightType::BF16>[rows];
}

template <WeightType T>
void expand(const uint8_t* src, int k, float* dst) {
  for (int i = 0; i < k; i++, dst += kPanel)
    for (int j = 0; j < 4; j++)
      _mm256_store_ps(dst + j * 8, load<T>(src + (size_t)(i / kStep<T>) * kStepBytes<T>, i % kStep<T>, j));
}

}  // namespace

void float_panels_avx2(const PanelRun& run, const FloatActivations& act) {
  const size_t panel = panel_bytes(run.type, act.k);
  const int groups = act.groups();
  for (int p = 0; p < run.panels; p++) {
    const uint8_t* w = run.data + (size_t)p * panel;
    WeightType type = run.type;
    if (groups > 1 && type != WeightType::F32) {
      if (type == WeightType::F16) expand<WeightType::F16>(w, act.k, (float*)run.scratch);
      else expand<WeightType::BF16>(w, act.k, (float*)run.scratch);
      w = run.scratch;
      type = WeightType::F32;
    }
    const int columns = run.columns - p * kPanel;
    for (int g = 0; g < groups; g++) {
      const int rows = act.rows_of(g), tiles = (rows + kTileRows - 1) / kTileRows;
      for (int i = 0; i < tiles; i++) {
        const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0;
        alignas(32) float partial[kTileRows * kPanel];
        float* out = run.y + (size_t)(g * act.group + r0) * run.y_stride + p * kPanel;
        const bool whole = columns >= kPanel;
        tile_of(type, count)(w, act.data + (size_t)g * act.group_stride() + r0, act.group, act.k,
                             groups == 1 && i == 0 ? (size_t)run.prefetch : 0, whole ? out : partial, whole ? run.y_stride : kPanel);
        for (int r = 0; !whole && r < count; r++) memcpy(out + (size_t)r * run.y_stride, partial + r * kPanel, (size_t)columns * 4);
      }
    }
  }
}

}  // namespace triptych
