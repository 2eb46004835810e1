// How queries, K and V become bfloat16 pieces in AMX tiles; attention_amx.cpp tells why. Only for files compiled with
// the AMX flags.
//
// f16 becomes bfloat16 without arithmetic: the same bits shifted right by three are the number times 2^-112. The low
// piece, an f16 too, is taken times 2^8 so that it is no subnormal (tiles flush those). The left factors make up for
// it: queries carry 2^96 (leaving scores at 2^-16), weights 2^104 (leaving O at 2^-8), and each comes as three pieces,
// high, low, and high * 2^-8 for the low pieces on the right.
//
// Layouts, in units of one tile register (1 KiB); b counts blocks of 32 dims, d blocks of 16 columns, j sub-tiles of 16
// tokens, h halves of 32 tokens:
//   q [b][3 pieces] 16 rows x 32 dims;               K [j][b][2 pieces] 16 dim pairs x 16 tokens;
//   scores: f32 [16 rows][64 tokens], then weights [h][3 pieces] 16 rows x 32 tokens;
//   V [h][d][2 pieces] 16 token pairs x 16 columns. Columns, also those of O, are dims in column order.
#pragma once
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "attention/attention_kernels.h"

namespace triptych {
namespace {

constexpr int kRowTile = 16;
constexpr int kDimMultiple = 32;
constexpr size_t kTileBytes = 1024;
constexpr float kQueryScale = 0x1p96f, kScoreScale = 0x1p16f, kLowScale = 0x1p-8f;
constexpr float kWeightExponent = 104, kWeightScale = 0x1p-104f, kOutputScale = 0x1p8f;

inline int padded_dims(int head_dim) { return (head_dim + kDimMultiple - 1) / kDimMultiple * kDimMultiple; }

// GCC's intrinsics do not say that they read memory: without this it may keep stores back, or drop them.
inline void finish_stores(const void* a, const void* b = nullptr, const void* c = nullptr) {
  __asm__ volatile("" ::"r"(a), "r"(b), "r"(c) : "memory");
}

// Tiles 0..3 accumulate, 4 holds a left factor (rows of queries or weights), 5..7 right factors.
void begin(int rows) {
  struct alignas(64) Config {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t bytes_per_row[16] = {};
    uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; tile++) {
    config.bytes_per_row[tile] = 64;
    config.rows[tile] = (uint8_t)(tile < 5 && rows < 16 ? rows : 16);
  }
  finish_stores(&config);
  _tile_loadconfig(&config);
}
void end() { _tile_release(); }

// After a pause as long as packing half a tile, the next product takes about 250 ns to start (measured). Packing without
// other work for the tile unit therefore gives it some: a product nobody reads (tile 3 is set before it counts again).
inline void stay_awake() { _tile_dpbf16ps(3, 4, 5); }

// f32 -> high piece (rounded) and what is left, both as f32 whose low 16 bits do not count.
inline void split(__m512 x, __m512i& high, __m512i& low) {
  high = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000)), _mm512_set1_epi32((int)0xffff0000));
  low = _mm512_castps_si512(_mm512_sub_ps(x, _mm512_castsi512_ps(high)));
}

// Cuts f16 numbers; one of `spoiled` becomes NaN if one of them is not finite (several, used in turn, because each use
// waits for the one before).
struct F16Splitter {
  __m512h spoiled[4] = {_mm512_setzero_ph(), _mm512_setzero_ph(), _mm512_setzero_ph(), _mm512_setzero_ph()};

  void split(int turn, __m512i x, void* high, void* low) {
    const __m512i kept = _mm512_set1_epi16((short)0x8fff), seven = _mm512_set1_epi16(7);
    // A subnormal number would lose its high piece; it goes to the low piece whole.
    const __mmask32 normal = _mm512_test_epi16_mask(x, _mm512_set1_epi16(0x7c00));
    const __m512i top = _mm512_maskz_sub_epi16(normal, x, _mm512_and_si512(x, seven));
    const __m512h rest = _mm512_sub_ph(_mm512_castsi512_ph(x), _mm512_castsi512_ph(top));
    spoiled[turn & 3] = _mm512_fmadd_ph(rest, _mm512_setzero_ph(), spoiled[turn & 3]);
    const __m512i raised = _mm512_castph_si512(_mm512_mul_ph(rest, _mm512_castsi512_ph(_mm512_set1_epi16(0x5c00))));  // 256
    _mm512_storeu_si512(high, _mm512_and_si512(_mm512_srai_epi16(top, 3), kept));
    _mm512_storeu_si512(low, _mm512_and_si512(_mm512_srai_epi16(raised, 3), kept));
  }
  // Stored behind a packed tile: nonzero if anything in it is not finite.
  void report(float* flag) const {
    uint32_t any = 0;
    for (__m512h s : spoiled) any |= _mm512_cmp_ph_mask(s, s, _CMP_UNORD_Q);
    memcpy(flag, &any, 4);
  }
};
inline bool is_spoiled(const float* flag) {
  uint32_t any;
  memcpy(&any, flag, 4);
  return any != 0;
}

void pack_q(const float* const* rows, int count, int head_dim, float scale, float* q) {
  const int padded = padded_dims(head_dim);
  memset(q, 0, (size_t)padded / 32 * 3 * kTileBytes);
  for (int r = 0; r < count; r++) {
    for (int d = 0; d < head_dim; d += 8) {
      const __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(0xff, rows[r] + d), _mm512_set1_ps(scale * kQueryScale));
      __m512i high, low;
      split(x, high, low);
      const __m512 third = _mm512_mul_ps(_mm512_castsi512_ps(high), _mm512_set1_ps(kLowScale));
      uint8_t* at = (uint8_t*)q + (size_t)(d / 32) * 3 * kTileBytes + r * 64 + d % 32 * 2;
      const auto upper = [](__m512i v) { return _mm256_castsi256_si128(_mm512_cvtepi32_epi16(_mm512_srli_epi32(v, 16))); };
      _mm_storeu_si128((__m128i*)at, upper(high));
      _mm_storeu_si128((__m128i*)(at + kTileBytes), upper(low));
      _mm_storeu_si128((__m128i*)(at + 2 * kTileBytes), upper(_mm512_castps_si512(third)));
    }
  }
}

// 32 dims of a block of K at `source`, of which `here` tokens and `left` dims exist. Calls step(0..2) in between, for
// work that another unit of the processor can do meanwhile.
template <class Step> inline void pack_k_block(const uint8_t* source, int here, int left, uint8_t* out, F16Splitter& splitter,
                                               PrefetchCursor& cursor, Step step) {
  // Two dims of 16 tokens -> 16 pairs of dims.
  const __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3,
                                         18, 2, 17, 1, 16, 0);
  const __mmask32 tokens = here >= 16 ? 0xffffffffu : here > 0 ? (1u << 2 * here) - 1 : 0;
  cursor.fetch(8);
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    if (i == 1) step(0);
    if (i == 6) step(1);
    if (i == 11) step(2);
    const __m512i two = 2 * i < left && here > 0 ? _mm512_loadu_si512(source + i * 64) : _mm512_setzero_si512();
    splitter.split(i, _mm512_maskz_permutexvar_epi16(tokens, pairs, two), out + i * 64, out + kTileBytes + i * 64);
  }
  cursor.fetch(8);
}

// Half a tile of V: the sub-tiles a and b, of which the first a_here and b_here tokens exist. Calls step(t) before each
// of its 16 pairs.
// Blocks: of 32 dims, all of them whole; 0: any number of dims.
template <int Blocks, class Step> inline void pack_v_half(const uint8_t* a, const uint8_t* b, size_t stride, int a_here, int b_here, int head_dim,
                                              uint8_t* out, F16Splitter& splitter, PrefetchCursor& cursor, Step step) {
  for (int t = 0; t < 16; t++, a += 2 * stride, out += 64) {
    if (t == 8) a = b, a_here = b_here;
    const int here = a_here - 2 * (t % 8);
    cursor.fetch((head_dim + 31) / 32 * 2);
    step(t);
    uint8_t* at = out;
    const int end = Blocks ? Blocks * 32 : head_dim;
#pragma GCC unroll 2
    for (int d = 0; d < end; d += 32, at += 4 * kTileBytes) {
      const int left = end - d;
      const __mmask32 dims = left >= 32 ? 0xffffffffu : (1u << left) - 1;
      const __m512i x = _mm512_maskz_loadu_epi16(here > 0 ? dims : 0, a + d * 2);
      const __m512i y = _mm512_maskz_loadu_epi16(here > 1 ? dims : 0, a + stride + d * 2);
      splitter.split(d / 16 & 3, _mm512_unpacklo_epi16(x, y), at, at + kTileBytes);
      splitter.split((d / 16 + 1) & 3, _mm512_unpackhi_epi16(x, y), at + 2 * kTileBytes, at + 3 * kTileBytes);
    }
  }
}

void pack_k(const uint8_t* const* sub, int tokens, int head_dim, float* k, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  uint8_t* out = (uint8_t*)k;
  F16Splitter splitter;
  for (int j = 0; j < kTile / kSubTile; j++)
    for (int d = 0; d < padded; d += 32, out += 2 * kTileBytes)
      pack_k_block(sub[j] + d * kSubTile * 2, tokens - j * kSubTile, head_dim - d, out, splitter, cursor, [](int) {});
  splitter.report(k + kTile * padded);
}

void pack_v(const uint8_t* const* sub, size_t stride, int tokens, int head_dim, float* v, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  F16Splitter splitter;
  const auto half = head_dim == 64 ? pack_v_half<2, void (*)(int)> : pack_v_half<0, void (*)(int)>;
  for (int h = 0; h < 2; h++)
    half(sub[2 * h], sub[2 * h + 1], stride, tokens - h * 32, tokens - h * 32 - 16, head_dim, (uint8_t*)(v + h * 32 * padded), splitter, cursor,
         [](int) {});
  splitter.report(v + kTile * padded);
}

}  // namespace
}  // namespace triptych
