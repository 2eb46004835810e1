// f32 products on AMX. Both factors are cut into two bfloat16 pieces, x = high + low with an error below 2^-17 of x, and
// high * high + high * low + low * high is summed in f32: errors of a product stay near 2^-17 of its typical size, a
// sixth of what the parity bounds of the networks allow for all layers together, at five times the rate of f32 FMA.
#include "network/product_kernels.h"

#if defined(__AMX_TILE__) && defined(__AVX512BF16__)
#include <string.h>

#include "linear/amx_tiles.h"

namespace triptych {
namespace {

constexpr int kStep = 32;            // k per tile product
constexpr size_t kTile = 1024;       // bytes of a tile register
constexpr int kSubSteps = 10;        // steps whose left factor stays in the caches next to the core
constexpr size_t kLeftStep = 4 * kTile;   // [row tile][high, low]
constexpr size_t kRightStep = 2 * kTile;  // [high, low]

struct Pieces {
  __m512i high;  // f32 whose lower halves are 0
  __m512i low;   // f32, to be rounded
};
inline Pieces split(__m512 x) {
  const __m512i high = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000)), _mm512_set1_epi32((int)0xffff0000));
  return {high, _mm512_castps_si512(_mm512_sub_ps(x, _mm512_castsi512_ps(high)))};
}
inline __m512i round_low(__m512i x) { return _mm512_add_epi32(x, _mm512_set1_epi32(0x8000)); }
// Upper halves: a0 b0 a1 b1 ... Both factors pair k with k + 16, so that this is all the moving there is.
inline __m512i interleave(__m512i a, __m512i b) { return _mm512_mask_mov_epi16(b, 0x55555555u, _mm512_srli_epi32(a, 16)); }

void pack(uint8_t* panel, PanelShape shape, int k, const float* first, const float* second) {
  const size_t group = (size_t)((shape.k + kStep - 1) / kStep) * kRightStep;
  uint8_t* at = panel + (size_t)(k / kStep) * kRightStep + (size_t)(k % kStep) * 64;
  for (int c = 0; c < shape.columns; c += 16, at += group) {
    const int left = shape.columns - c;
    const __mmask16 some = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
    const Pieces a = split(_mm512_maskz_loadu_ps(first ? some : 0, first ? first + c : nullptr));
    const Pieces b = split(_mm512_maskz_loadu_ps(second ? some : 0, second ? second + c : nullptr));
    _mm512_store_si512(at, interleave(a.high, b.high));
    _mm512_store_si512(at + kTile, interleave(round_low(a.low), round_low(b.low)));
  }
}

// 16 weights from k on, of which `left` exist.
template <WeightType T> inline __m512 load(const uint8_t* p, int left) {
  const __mmask16 some = left >= 16 ? 0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
  if constexpr (T == WeightType::F32) return _mm512_maskz_loadu_ps(some, p);
  const __m256i half = _mm256_maskz_loadu_epi16(some, p);
  if constexpr (T == WeightType::F16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

template <WeightType T> void cut_left(const WeightRows& weight, int rows, int k, int steps, uint8_t* out) {
  constexpr size_t kBytes = T == WeightType::F32 ? 4 : 2;
  for (int r = 0; r < kRowChunk; r++) {
    uint8_t* at = out + (size_t)(r / 16) * 2 * kTile + (size_t)(r % 16) * 64;
    if (r >= rows) {
      if (r / 16 > (rows - 1) / 16) return;  // the second row tile is not used
      for (int s = 0; s < steps; s++, at += kLeftStep) {
        _mm512_store_si512(at, _mm512_setzero_si512());
        _mm512_store_si512(at + kTile, _mm512_setzero_si512());
      }
      continue;
    }
    const uint8_t* w = weight.data + (size_t)r * weight.stride;
    const int whole = k / kStep;
    for (int s = 0; s < steps; s++, at += kLeftStep, w += kStep * kBytes) {
      const int left = s < whole ? kStep : k - s * kStep;
      const Pieces a = split(s < whole ? load<T>(w, 16) : load<T>(w, left));
      const Pieces b = split(s < whole ? load<T>(w + 16 * kBytes, 16) : load<T>(w + 16 * kBytes, left - 16));
      _mm512_store_si512(at, interleave(a.high, b.high));
      _mm512_store_si512(at + kTile, interleave(round_low(a.low), round_low(b.low)));
    }
  }
}

// Weights to fetch to L2, some with every step: they come from memory while the tile unit works.
struct Ahead {
  const uint8_t* row;
  size_t stride;
  int rows, lines, per_step;
  int line = 0;

  void fetch() {
    for (int i = 0; i < per_step && rows > 0; i++) {
      _mm_prefetch((const char*)row + (size_t)line * 64, _MM_HINT_T1);
      if (++line < lines) continue;
      line = 0;
      row += stride;
      rows--;
    }
  }
};

// Tiles: 0..3 sums [row tile][column tile], 4 and 5 left factors, 6 and 7 right factors.
template <int Rows, int Columns>
void product(const uint8_t* a, const uint8_t* b0, const uint8_t* b1, int steps, float* c, size_t stride, bool load, Ahead& ahead) {
  const size_t pitch = stride * 4;
  float* second = c + 16 * stride;
  if (load) {
    _tile_loadd(0, c, pitch);
    if (Columns > 1) _tile_loadd(1, c + 16, pitch);
    if (Rows > 1) _tile_loadd(2, second, pitch);
    if (Rows > 1 && Columns > 1) _tile_loadd(3, second + 16, pitch);
  } else {
    _tile_zero(0);
    if (Columns > 1) _tile_zero(1);
    if (Rows > 1) _tile_zero(2);
    if (Rows > 1 && Columns > 1) _tile_zero(3);
  }
  const auto multiply = [] {
    _tile_dpbf16ps(0, 4, 6);
    if (Columns > 1) _tile_dpbf16ps(1, 4, 7);
    if (Rows > 1) _tile_dpbf16ps(2, 5, 6);
    if (Rows > 1 && Columns > 1) _tile_dpbf16ps(3, 5, 7);
  };
  for (int s = 0; s < steps; s++, a += kLeftStep, b0 += kRightStep, b1 += kRightStep) {
    _tile_loadd(4, a, 64);
    _tile_loadd(6, b0 + kTile, 64);
    if (Columns > 1) _tile_loadd(7, b1 + kTile, 64);
    if (Rows > 1) _tile_loadd(5, a + 2 * kTile, 64);
    multiply();
    ahead.fetch();
    _tile_loadd(6, b0, 64);
    if (Columns > 1) _tile_loadd(7, b1, 64);
    multiply();
    _tile_loadd(4, a + kTile, 64);
    if (Rows > 1) _tile_loadd(5, a + 3 * kTile, 64);
    multiply();
  }
  _tile_stored(0, c, pitch);
  if (Columns > 1) _tile_stored(1, c + 16, pitch);
  if (Rows > 1) _tile_stored(2, second, pitch);
  if (Rows > 1 && Columns > 1) _tile_stored(3, second + 16, pitch);
}

// GCC's intrinsics do not say that they read memory.
inline void finish_stores(const void* a, const void* b) { __asm__ volatile("" ::"r"(a), "r"(b) : "memory"); }

void multiply(const WeightRows& weight, int rows, int rows_ahead, PanelShape shape, const uint8_t* panel, float* c, size_t c_stride,
              bool accumulate, uint8_t* scratch) {
  const int steps = (shape.k + kStep - 1) / kStep;
  const size_t group = (size_t)steps * kRightStep;
  const int tiles = (shape.columns + 15) / 16;
  // A tile stores 16 rows: rows that do not exist go to a copy.
  float* copy = (float*)(scratch + kSubSteps * kLeftStep);
  const bool whole = rows % 16 == 0;
  for (int s = 0; s < steps; s += kSubSteps) {
    const int some = steps - s < kSubSteps ? steps - s : kSubSteps;
    const WeightRows part = weight.at(0, s * kStep);
    const int k = shape.k - s * kStep < some * kStep ? shape.k - s * kStep : some * kStep;
    if (weight.type == WeightType::F32) cut_left<WeightType::F32>(part, rows, k, some, scratch);
    else if (weight.type == WeightType::F16) cut_left<WeightType::F16>(part, rows, k, some, scratch);
    else cut_left<WeightType::BF16>(part, rows, k, some, scratch);
    const bool load = accumulate || s > 0;
    const bool is_last = s + kSubSteps >= steps;
    const int next = is_last ? (steps < kSubSteps ? steps : kSubSteps) : steps - s - kSubSteps < kSubSteps ? steps - s - kSubSteps : kSubSteps;
    const int lines = (int)((size_t)next * kStep * weight.element() / 64), pairs = (tiles + 1) / 2;
    Ahead ahead{weight.at(is_last ? rows_ahead : 0, is_last ? 0 : (s + kSubSteps) * kStep).data, weight.stride, kRowChunk, lines,
                (kRowChunk * lines + pairs * some - 1) / (pairs * some)};
    for (int t = 0; t < tiles; t += 2) {
      const uint8_t* b0 = panel + (size_t)t * group + (size_t)s * kRightStep;
      const bool pair = t + 1 < tiles;
      float* out = c + t * 16;
      size_t stride = c_stride;
      if (!whole) {
        stride = 32;
        for (int r = 0; load && r < rows; r++) memcpy(copy + r * 32, out + (size_t)r * c_stride, pair ? 128 : 64);
        out = copy;
      }
      finish_stores(scratch, out);
      if (rows > 16) {
        if (pair) product<2, 2>(scratch, b0, b0 + group, some, out, stride, load, ahead);
        else product<2, 1>(scratch, b0, b0, some, out, stride, load, ahead);
      } else {
        if (pair) product<1, 2>(scratch, b0, b0 + group, some, out, stride, load, ahead);
        else product<1, 1>(scratch, b0, b0, some, out, stride, load, ahead);
      }
      finish_stores(scratch, out);
      if (!whole)
        for (int r = 0; r < rows; r++) memcpy(c + t * 16 + (size_t)r * c_stride, copy + r * 32, pair ? 128 : 64);
    }
  }
}

void begin() {
  AmxConfig config;
  for (int tile = 0; tile < 8; tile++) config.set(tile, 16, 64);
  config.load();
}
void end() { _tile_release(); }

constexpr ProductKernels kKernels = {16, kRightStep / kStep, kStep, kStep / 2, pack, multiply, begin, end};

}  // namespace
const ProductKernels* product_kernels_amx() { return &kKernels; }
}  // namespace triptych
#else
namespace triptych {
const ProductKernels* product_kernels_amx() { return nullptr; }
}  // namespace triptych
#endif
