// BF16 weights with vdpbf16ps: tiles of up to 12 rows x 32 columns. Activations are rounded to bfloat16; each output is one
// chain of sums over the pairs of k in order, so it does not depend on how many rows there are.
#include <immintrin.h>

#include "linear/element_walk.h"

namespace triptych {
namespace {

// The first n of 16 lanes.
inline __mmask16 lanes(int n) { return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1 << n) - 1); }

void round_row(const float* x, int k, int pair0, int pair1, uint32_t* group, int group_rows, int r) {
  for (int p = pair0; p < pair1; p += 16) {
    const int end = pair1 - p < 16 ? pair1 - p : 16, rest = k - 2 * p;
    alignas(64) uint32_t pairs[16] = {};
    if (x) {
      const float* from = x + 2 * p;
      const __m512 low = _mm512_maskz_loadu_ps(lanes(rest), from), high = _mm512_maskz_loadu_ps(lanes(rest - 16), from + 16);
      _mm512_store_si512(pairs, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
    for (int i = 0; i < end; i++) group[(size_t)(p + i) * (size_t)group_rows + r] = pairs[i];
  }
}

// x: [pairs][group], this tile's first row. `ahead` bytes further on in the panel are fetched to L2; 0: already there.
template <int R>
__attribute__((noinline)) void tile(const uint8_t* w, const uint32_t* x, int group, int pairs, size_t ahead, float* y, size_t y_stride) {
  __m512 sums[R][2];
#pragma GCC unroll 12
  for (int r = 0; r < R; r++) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
  for (int i = 0; i < pairs; i++, w += kPairBytes, x += group) {
    if (ahead)
      for (size_t l = 0; l < kPairBytes; l += 64) _mm_prefetch((const char*)w + ahead + l, _MM_HINT_T1);
    const __m512bh w0 = (__m512bh)_mm512_load_si512(w), w1 = (__m512bh)_mm512_load_si512(w + 64);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const __m512bh v = (__m512bh)_mm512_set1_epi32((int)x[r]);
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], v, w0);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], v, w1);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; r++) {
    _mm512_storeu_ps(y + (size_t)r * y_stride, sums[r][0]);
    _mm512_storeu_ps(y + (size_t)r * y_stride + 16, sums[r][1]);
  }
}

using TileFn = void (*)(const uint8_t*, const uint32_t*, int, int, size_t, float*, size_t);
constexpr TileFn kTiles[kFloatGroup + 1] = {nullptr, tile<1>, tile<2>, tile<3>,  tile<4>,  tile<5>, tile<6>,
                                            tile<7>, tile<8>, tile<9>, tile<10>, tile<11>, tile<12>};

void bf16_panels(const PanelRun& run, const Bf16Activations& act) {
  walk_panels(
      run, act, [](const uint8_t* w) { return w; },
      [&](int rows, const uint8_t* w, const uint32_t* x, size_t ahead, float* y, size_t y_stride) {
        kTiles[rows](w, x, act.group, act.elements(), ahead, y, y_stride);
      });
}

}  // namespace

const LinearKernels kLinearAvx512Bf16{
    quantize_avx512, int8_panels_avx512, float_panels_avx512, kInt8ActivationBytes, kInt8ShortGroup, round_row, bf16_panels};

}  // namespace triptych
