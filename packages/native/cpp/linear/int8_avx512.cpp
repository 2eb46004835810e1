// Int8 kernels for AVX-512 VNNI (Intel since Ice Lake, AMD since Zen 4), up to five or six rows, where weights stream past once and
// two panels at a time give memory two streams to run ahead in. The price is float sums in L1: on Zen 4 four rows of Q4_0 compute at
// 0.65 of the peak instead of 0.78, and one panel at a time is better or as good. Which it is, is measured (tuning.cpp). One panel,
// and more rows: int8_walk_avx512.cpp.
#include "linear/int8_dots_avx512.h"
#include "linear/kernels.h"

namespace triptych {
namespace {

// Beyond so many rows tiles that keep their sums in registers are faster (measured on Zen 5).
constexpr int most_rows(Format f) { return f == kQ8 ? 6 : 5; }
constexpr int kTileRows = 6;

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
  int distance;               // fetch to L2 this many bytes ahead
};

// One block of one panel: sums [R][32] += x * w. They are in L1: two panels in turn leave no registers for them.
template <int R, Format F>
TRIPTYCH_INLINE void block(const uint8_t* w, const uint8_t* q, const float* scale, const float* shift, const int32_t* start,
                           int distance, float* sums) {
  __m512i a[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) a[r][0] = a[r][1] = _mm512_set1_epi32(start[r]);
  const uint8_t* v = w + kScaleBytes;
  // To L2 (T1): L1 has too few miss buffers for streams that run so far ahead.
  _mm_prefetch((const char*)w + distance, _MM_HINT_T1);  // the line of scales
  dots<R, F>(a, v, q, [&](int i) __attribute__((always_inline)) {
    constexpr int kLines = lines_of(F) / 8;
#pragma GCC unroll 2
    for (int l = i * kLines; l < (i + 1) * kLines; l++) _mm_prefetch((const char*)v + distance + l * 64, _MM_HINT_T1);
  });
  const __m512 s0 = scales<F>(w, 0), s1 = scales<F>(w, 1);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    const __m512 e = _mm512_set1_ps(scale[r]), m = _mm512_set1_ps(shift[r]);
    const __m512 d0 = _mm512_fmadd_ps(_mm512_castsi512_ps(a[r][0]), e, m);
    const __m512 d1 = _mm512_fmadd_ps(_mm512_castsi512_ps(a[r][1]), e, m);
    float* p = sums + r * 32;
    _mm512_store_ps(p, _mm512_fmadd_ps(d0, s0, _mm512_load_ps(p)));
    _mm512_store_ps(p + 16, _mm512_fmadd_ps(d1, s1, _mm512_load_ps(p + 16)));
  }
}

template <int R, Format F, int P>
__attribute__((noinline)) void tile(const Tile& t) {
  alignas(64) float sums[P][R * 32];  // a local array: through a pointer GCC is 14% slower
  for (int i = 0; i < P * R * 2; i++) _mm512_store_ps(&sums[0][0] + i * 16, _mm512_setzero_ps());
  const uint8_t *w0 = t.weights[0], *w1 = t.weights[1], *q = t.q;
  const float *scale = t.scale, *shift = t.shift;
  const int32_t* start = t.start;
  const size_t stride = t.stride;
  for (int b = 0; b < t.blocks; b++) {
    block<R, F>(w0, q, scale, shift, start, t.distance, sums[0]);
    if constexpr (P == 2) block<R, F>(w1, q, scale, shift, start, t.distance, sums[1]);
    w0 += bytes_of(F);
    w1 += bytes_of(F);
    q += stride;
    scale += stride / 4;
    shift += stride / 4;
    start += stride / 4;
  }
  for (int r = 0; r < R; r++)
    for (int p = 0; p < P; p++)
      for (int h = 0; h < 32; h += 16) _mm512_storeu_ps(t.y + r * t.y_stride + p * 32 + h, _mm512_load_ps(sums[p] + r * 32 + h));
}

using TileFn = void (*)(const Tile&);
template <Format F, int P>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr,       tile<1, F, P>, tile<2, F, P>, tile<3, F, P>,
                                          tile<4, F, P>, tile<5, F, P>, tile<6, F, P>};

template <Format F>
void stream(const PanelRun& run, const Int8Activations& act, int zero_point) {
  const size_t panel = (size_t)act.blocks * bytes_of(F);
  for (int p = 0; p < run.panels; p += 2) {
    const int panels = run.panels - p < 2 ? 1 : 2, columns = run.columns - p * kPanel;
    alignas(64) float partial[kTileRows * 2 * kPanel];
    const bool whole = columns >= panels * kPanel;
    float* out = run.y + p * kPanel;
    Tile t{};
    t.weights[0] = run.data + (size_t)p * panel;
    t.weights[1] = t.weights[0] + panel;
    t.q = act.data;
    t.scale = (const float*)(act.data + act.scale_offset());
    t.shift = (const float*)(act.data + act.shift_offset());
    t.start = (const int32_t*)(act.data + act.start_offset(zero_point));
    t.stride = act.block_stride();
    t.blocks = act.blocks;
    t.distance = run.prefetch;
    t.y = whole ? out : partial;
    t.y_stride = whole ? run.y_stride : 2 * kPanel;
    (panels == 2 ? kTiles<F, 2> : kTiles<F, 1>)[act.rows](t);
    for (int r = 0; !whole && r < act.rows; r++)
      memcpy(out + (size_t)r * run.y_stride, partial + r * 2 * kPanel, (size_t)columns * 4);
  }
}

}  // namespace

void int8_panels_avx512(const PanelRun& run, const Int8Activations& act) {
  const Format format = run.type == WeightType::Q8_0 ? kQ8 : kQ4;
  if (!run.pairs || act.rows > most_rows(format)) int8_walk_avx512(run, act);
  else if (format == kQ8) stream<kQ8>(run, act, 128);
  else stream<kQ4>(run, act, 8);
}

const LinearKernels kLinearAvx512{quantize_avx512, int8_panels_avx512, float_panels_avx512, kInt8ActivationBytes, kInt8ShortGroup};

}  // namespace triptych
