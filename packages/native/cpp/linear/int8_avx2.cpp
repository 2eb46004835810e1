// Int8 kernels for AVX2 without VNNI: |w| (unsigned) times sign(x, w) through vpmaddubsw and vpmaddwd.
// |w| <= 128 and |x| <= 127, so a pair sums to at most 32512 and never saturates; for Q4_0 (0..15) eight k-groups fit
// in 16 bits. Tiles of up to 4 rows, 8 columns at a time, 4 times per block.
#include <immintrin.h>
#include <string.h>

#include "linear/kernels.h"

namespace triptych {
namespace {

struct Tile {
  const uint8_t* weights;
  const uint8_t* q;
  const float* scale;
  const int32_t* start;   // kMagicBits - 8 * sum, for Q4_0
  size_t stride;
  int blocks;
  int prefetch;           // bytes ahead, to L2; 0: resident
  float* y;
  size_t y_stride;
};

inline __m256i broadcast4(const uint8_t* p) { int32_t v; memcpy(&v, p, 4); return _mm256_set1_epi32(v); }

// `ahead`: distance at which the lines read here are fetched, one between products at a time (a burst would fill L1's
// miss buffers); 0 where another call fetches them.
template <int R>
inline void dots_q8(__m256i (&a)[R], const uint8_t* w, const uint8_t* q, int ahead) {
  const __m256i ones = _mm256_set1_epi16(1);
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) a[r] = _mm256_setzero_si256();
#pragma GCC unroll 8
  for (int g = 0; g < 8; g++) {
    if (ahead) _mm_prefetch((const char*)w + g * 128 + ahead, _MM_HINT_T1);
    const __m256i v = _mm256_load_si256((const __m256i*)(w + g * 128)), magnitude = _mm256_abs_epi8(v);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      const __m256i x = _mm256_sign_epi8(broadcast4(q + r * 32 + g * 4), v);
      a[r] = _mm256_add_epi32(a[r], _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, x), ones));
    }
  }
}

template <int R>
inline void dots_q4(__m256i (&a)[R], const uint8_t* w, const uint8_t* q, const int32_t* start, int ahead) {
  const __m256i ones = _mm256_set1_epi16(1), low = _mm256_set1_epi8(15);
  __m256i s[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) s[r] = _mm256_setzero_si256();
#pragma GCC unroll 4
  for (int g = 0; g < 4; g++) {
    if (ahead) _mm_prefetch((const char*)w + g * 128 + ahead, _MM_HINT_T1);
    const __m256i v = _mm256_load_si256((const __m256i*)(w + g * 128));
    const __m256i v0 = _mm256_and_si256(v, low), v1 = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      const __m256i p0 = _mm256_maddubs_epi16(v0, broadcast4(q + r * 32 + g * 4));
      const __m256i p1 = _mm256_maddubs_epi16(v1, broadcast4(q + r * 32 + 16 + g * 4));
      s[r] = _mm256_add_epi16(s[r], _mm256_add_epi16(p0, p1));
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++)
    a[r] = _mm256_add_epi32(_mm256_madd_epi16(s[r], ones), _mm256_set1_epi32(start[r] - kMagicBits));
}

template <int R, bool kQ4>
__attribute__((noinline)) void tile(const Tile& t) {
  constexpr size_t kBytes = kQ4 ? kQ4BlockBytes : kQ8BlockBytes;
  __m256 f[R][4];
#pragma GCC unroll 4
  for (int r = 0; r < R; r++)
    for (int j = 0; j < 4; j++) f[r][j] = _mm256_setzero_ps();
  const uint8_t *w = t.weights, *q = t.q;
  const float* scale = t.scale;
  const int32_t* start = t.start;
  for (int b = 0; b < t.blocks; b++) {
    if (t.prefetch) _mm_prefetch((const char*)w + t.prefetch, _MM_HINT_T1);  // the line of scales
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      __m256i a[R];
      const int ahead = j % 2 == 0 ? t.prefetch : 0;  // two j per line
      if constexpr (kQ4) dots_q4<R>(a, w + kScaleBytes + j * 32, q, start, ahead);
      else dots_q8<R>(a, w + kScaleBytes + j * 32, q, ahead);
      const __m256 s = _mm256_cvtph_ps(_mm_load_si128((const __m128i*)(w + j * 16)));
#pragma GCC unroll 4
      for (int r = 0; r < R; r++)
        f[r][j] = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(a[r]), _mm256_set1_ps(scale[r])), s, f[r][j]);
    }
    w += kBytes;
    q += t.stride;
    scale += t.stride / 4;
    start += t.stride / 4;
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++)
    for (int j = 0; j < 4; j++) _mm256_storeu_ps(t.y + (size_t)r * t.y_stride + j * 8, f[r][j]);
}

using TileFn = void (*)(const Tile&);
constexpr int kTileRows = 4;
template <bool kQ4>
constexpr TileFn kTiles[kTileRows + 1] = {nullptr, tile<1, kQ4>, tile<2, kQ4>, tile<3, kQ4>, tile<4, kQ4>};

void int8_panels(const PanelRun& run, const Int8Activations& act) {
  const bool q4 = run.type == WeightType::Q4_0;
  const size_t panel = panel_bytes(run.type, act.blocks * kBlock);
  for (int p = 0; p < run.panels; p++) {
    const int columns = run.columns - p * kPanel;
    for (int g = 0; g < act.groups(); g++) {
      const uint8_t* base = act.data + (size_t)g * act.group_stride();
      const int rows = act.rows_of(g), tiles = (rows + kTileRows - 1) / kTileRows;
      for (int i = 0; i < tiles; i++) {
        const int r0 = rows * i / tiles, count = rows * (i + 1) / tiles - r0;
        alignas(32) float partial[kTileRows * kPanel];
        float* out = run.y + (size_t)(g * act.group + r0) * run.y_stride + p * kPanel;
        const bool whole = columns >= kPanel;
        const Tile t{run.data + (size_t)p * panel, base + r0 * 32, (const float*)(base + act.scale_offset()) + r0,
                     (const int32_t*)(base + act.start_offset(8)) + r0, act.block_stride(), act.blocks,
                     g == 0 && i == 0 ? run.prefetch : 0, whole ? out : partial, whole ? run.y_stride : kPanel};
        (q4 ? kTiles<true> : kTiles<false>)[count](t);
        for (int r = 0; !whole && r < count; r++) memcpy(out + (size_t)r * run.y_stride, partial + r * kPanel, (size_t)columns * 4);
      }
    }
  }
}

void quantize(const float* x, int block0, int block1, uint8_t* group, int group_rows, int r) {
  const __m256i magnitude_mask = _mm256_set1_epi32(0x7fffffff);
  for (int b = block0; b < block1; b++) {
    uint8_t* out = group + (size_t)b * (size_t)group_rows * 48;
    __m256 v[4];
    __m256i m = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      v[i] = x ? _mm256_loadu_ps(x + b * kBlock + i * 8) : _mm256_setzero_ps();
      m = _mm256_max_epu32(m, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude_mask));
    }
    __m128i m4 = _mm_max_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    m4 = _mm_max_epu32(m4, _mm_shuffle_epi32(m4, 0x4e));
    m4 = _mm_max_epu32(m4, _mm_shuffle_epi32(m4, 0xb1));
    const uint32_t top = (uint32_t)_mm_cvtsi128_si32(m4);
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
    __m256i i32[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    if (inverse != 0.0f) {
      const __m256 f = _mm256_set1_ps(inverse);
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) i32[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], f));
    }
    __m256i s = _mm256_add_epi32(_mm256_add_epi32(i32[0], i32[1]), _mm256_add_epi32(i32[2], i32[3]));
    __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
    s4 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0xb1));
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(i32[0], i32[1]), _mm256_packs_epi32(i32[2], i32[3]));
    const __m256i order = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i*)(out + r * 32), order);
    const int32_t sum = _mm_cvtsi128_si32(s4);
    const float shift = -kMagic * scale;
    const int32_t start128 = kMagicBits - 128 * sum, start8 = kMagicBits - 8 * sum;
    memcpy(out + group_rows * 32 + r * 4, &scale, 4);
    memcpy(out + group_rows * 36 + r * 4, &shift, 4);
    memcpy(out + group_rows * 40 + r * 4, &start128, 4);
    memcpy(out + group_rows * 44 + r * 4, &start8, 4);
  }
}

}  // namespace

const LinearKernels kLinearAvx2{quantize, int8_panels, float_panels_avx2};

}  // namespace triptych
