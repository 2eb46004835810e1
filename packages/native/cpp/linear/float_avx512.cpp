// Float kernels for AVX-512: tiles of up to 12 rows x 32 columns, one FMA chain per output in k order.
// Up to 12 rows half-precision weights are converted as they stream past; above, a panel is converted once into scratch.
#include <immintrin.h>

#include "linear/element_walk.h"

namespace triptych {
namespace {

// The 32 weights of the j-th k of a step.
template <WeightType T>
inline void load(const uint8_t* p, int j, __m512& w0, __m512& w1) {
  if constexpr (T == WeightType::F32) {
    w0 = _mm512_load_ps((const float*)p);
    w1 = _mm512_load_ps((const float*)p + 16);
  } else if constexpr (T == WeightType::F16) {
    w0 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)p));
    w1 = _mm512_cvtph_ps(_mm256_load_si256((const __m256i*)p + 1));
  } else {
    const __m512i high = _mm512_set1_epi32((int)0xffff0000u), p0 = _mm512_load_si512(p), p1 = _mm512_load_si512(p + 64);
    w0 = _mm512_castsi512_ps(j == 0 ? _mm512_slli_epi32(p0, 16) : _mm512_and_si512(p0, high));
    w1 = _mm512_castsi512_ps(j == 0 ? _mm512_slli_epi32(p1, 16) : _mm512_and_si512(p1, high));
  }
}

// x: [k][group], this tile's first row. `ahead` bytes further on in the panel are fetched to L2; 0: already there.
template <int R, WeightType T>
__attribute__((noinline)) void tile(const uint8_t* w, const float* x, int group, int k, size_t ahead, float* y, size_t y_stride) {
  __m512 sums[R][2];
#pragma GCC unroll 12
  for (int r = 0; r < R; r++) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  const auto add = [&](int j) {
    __m512 w0, w1;
    load<T>(w, j, w0, w1);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const __m512 v = _mm512_set1_ps(x[j * group + r]);
      sums[r][0] = _mm512_fmadd_ps(v, w0, sums[r][0]);
      sums[r][1] = _mm512_fmadd_ps(v, w1, sums[r][1]);
    }
  };
  for (int i = 0; i + kStep<T> <= k; i += kStep<T>, w += kStepBytes<T>, x += kStep<T> * group) {
    if (ahead)
      for (size_t l = 0; l < kStepBytes<T>; l += 64) _mm_prefetch((const char*)w + ahead + l, _MM_HINT_T1);
    add(0);
    if constexpr (kStep<T> == 2) add(1);
  }
  if (k % kStep<T> != 0) add(0);
#pragma GCC unroll 12
  for (int r = 0; r < R; r++) {
    _mm512_storeu_ps(y + (size_t)r * y_stride, sums[r][0]);
    _mm512_storeu_ps(y + (size_t)r * y_stride + 16, sums[r][1]);
  }
}

using TileFn = void (*)(const uint8_t*, const float*, int, int, size_t, float*, size_t);
template <WeightType T>
constexpr TileFn kTiles[kFloatGroup + 1] = {nullptr,    tile<1, T>, tile<2, T>, tile<3, T>,  tile<4, T>,  tile<5, T>, tile<6, T>,
                                            tile<7, T>, tile<8, T>, tile<9, T>, tile<10, T>, tile<11, T>, tile<12, T>};
TileFn tile_of(WeightType t, int rows) {
  return t == WeightType::F32 ? kTiles<WeightType::F32>[rows]
         : t == WeightType::F16 ? kTiles<WeightType::F16>[rows] : kTiles<WeightType::BF16>[rows];
}

template <WeightType T>
void expand(const uint8_t* src, int k, float* dst) {
  for (int i = 0; i < k; i++, dst += kPanel) {
    __m512 w0, w1;
    load<T>(src + (size_t)(i / kStep<T>) * kStepBytes<T>, i % kStep<T>, w0, w1);
    _mm512_store_ps(dst, w0);
    _mm512_store_ps(dst + 16, w1);
  }
}

}  // namespace

void float_panels_avx512(const PanelRun& run, const FloatActivations& act) {
  // Several groups of rows: half-precision panels are converted once into scratch.
  const bool expands = act.groups() > 1 && run.type != WeightType::F32;
  const WeightType type = expands ? WeightType::F32 : run.type;
  walk_panels(
      run, act,
      [&](const uint8_t* w) -> const uint8_t* {
        if (!expands) return w;
        (run.type == WeightType::F16 ? expand<WeightType::F16> : expand<WeightType::BF16>)(w, act.k, (float*)run.scratch);
        return run.scratch;
      },
      [&](int rows, const uint8_t* w, const float* x, size_t ahead, float* y, size_t y_stride) {
        tile_of(type, rows)(w, x, act.group, act.k, ahead, y, y_stride);
      });
}

}  // namespace triptych
