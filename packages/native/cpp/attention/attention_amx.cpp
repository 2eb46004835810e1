// Attention with AMX tiles over an f16 cache. Tiles multiply bfloat16 and add in f32, so every factor is cut into two
// bfloat16 pieces, high + low: K and V exactly (f16 has 11 significant bits), queries and weights to 16 bits. The
// products high*high, low*high and high*low are summed. The error against f32 arithmetic is about 2^-17 of a product,
// far below what rounding K and V to f16 costs.
//
// f16 becomes bfloat16 without arithmetic: the same bits shifted right by three are the number times 2^-112. The low
// piece, an f16 too, is taken times 2^8 so that it is no subnormal (tiles flush those). The left factors make up for
// it: queries carry 2^96 (leaving scores at 2^-16), weights 2^104 (leaving O at 2^-8), and each comes as three pieces,
// high, low, and high * 2^-8 for the low pieces on the right.
//
// Layouts, in units of one tile register (1 KiB); b counts blocks of 32 dims, d blocks of 16 columns, j sub-tiles of 16
// tokens, h halves of 32 tokens:
//   q [b][3 pieces] 16 rows x 32 dims;               K [j][b][2 pieces] 16 dim pairs x 16 tokens;
//   scores: f32 [16 rows][64 tokens], then weights [h][3 pieces] 16 rows x 32 tokens (0, 16, 1, 17, ...);
//   V [h][d][2 pieces] 16 token pairs (t, t+16) x 16 columns. Columns, also those of O, are dims in column order.
#include "attention/attention_kernels.h"
#include "attention/transpose_avx512.h"
#include "ops/vec_avx512.h"

#include "attention/softmax.inl"

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

// The tile unit falls asleep when it has nothing to do and takes about 250 ns to come back, as much as packing a tile.
// Packing gives it something to do now and then: a product nobody reads (tile 3 is set before it counts again).
inline void stay_awake() { _tile_dpbf16ps(3, 4, 5); }

// f32 -> high piece (rounded) and what is left, both as f32 whose low 16 bits do not count.
inline void split(__m512 x, __m512i& high, __m512i& low) {
  high = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000)), _mm512_set1_epi32((int)0xffff0000));
  low = _mm512_castps_si512(_mm512_sub_ps(x, _mm512_castsi512_ps(high)));
}
// The upper halves of a and b, interleaved: a0 b0 a1 b1 ...
inline __m512i interleave_high(__m512i a, __m512i b) {
  return _mm512_mask_mov_epi16(b, 0x55555555u, _mm512_srli_epi32(a, 16));
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
      const auto upper = [](__m512i v) { return _mm512_castsi512_si256(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(_mm512_srli_epi32(v, 16)))); };
      _mm_storeu_si128((__m128i*)at, _mm256_castsi256_si128(upper(high)));
      _mm_storeu_si128((__m128i*)(at + kTileBytes), _mm256_castsi256_si128(upper(low)));
      _mm_storeu_si128((__m128i*)(at + 2 * kTileBytes), _mm256_castsi256_si128(upper(_mm512_castps_si512(third))));
    }
  }
}

__attribute__((noinline)) void transpose_part(const uint8_t* source, size_t stride, int tokens, __mmask16 dims, __m512* r) {
  transpose_f32(source, stride, tokens, dims, r);
}

// 16 tokens x 32 dims of K at `source`, of which `here` tokens and `left` dims exist. Calls step(0..2) in between, for
// work that another unit of the processor can do meanwhile.
template <class Step> inline void pack_k_block(const uint8_t* source, size_t stride, int here, int left, uint8_t* out, F16Splitter& splitter,
                                               PrefetchCursor& cursor, Step step) {
  __m512 r[16];
  // Pairs of dims are moved as one 32-bit unit.
  if (here >= 16 && left >= 32) transpose_f32(source, stride, 16, 0xffff, r);
  else transpose_part(source, stride, here, left >= 32 ? 0xffff : (__mmask16)((1u << left / 2) - 1), r);
  cursor.fetch(8);
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    if (i == 1) step(0);
    if (i == 6) step(1);
    if (i == 11) step(2);
    splitter.split(i, _mm512_castps_si512(r[i]), out + i * 64, out + kTileBytes + i * 64);
  }
  cursor.fetch(8);
}

// Half a tile of V: tokens a[t] and b[t], t < 16, of which the first a_here and b_here exist. Calls step(t) before each.
// Blocks: of 32 dims, all of them whole; 0: any number of dims.
template <int Blocks, class Step> inline void pack_v_half(const uint8_t* a, const uint8_t* b, size_t stride, int a_here, int b_here, int head_dim,
                                              uint8_t* out, F16Splitter& splitter, PrefetchCursor& cursor, Step step) {
  for (int t = 0; t < 16; t++, a += stride, b += stride, out += 64) {
    cursor.fetch((head_dim + 31) / 32 * 2);
    step(t);
    uint8_t* at = out;
    const int end = Blocks ? Blocks * 32 : head_dim;
#pragma GCC unroll 2
    for (int d = 0; d < end; d += 32, at += 4 * kTileBytes) {
      const int left = end - d;
      const __mmask32 dims = left >= 32 ? 0xffffffffu : (1u << left) - 1;
      const __m512i x = _mm512_maskz_loadu_epi16(t < a_here ? dims : 0, a + d * 2);
      const __m512i y = _mm512_maskz_loadu_epi16(t < b_here ? dims : 0, b + d * 2);
      splitter.split(d / 16 & 3, _mm512_unpacklo_epi16(x, y), at, at + kTileBytes);
      splitter.split((d / 16 + 1) & 3, _mm512_unpackhi_epi16(x, y), at + 2 * kTileBytes, at + 3 * kTileBytes);
    }
  }
}

void pack_k(const uint8_t* const* sub, size_t stride, int tokens, int head_dim, float* k, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  uint8_t* out = (uint8_t*)k;
  F16Splitter splitter;
  for (int j = 0; j < kTile / kSubTile; j++)
    for (int d = 0; d < padded; d += 32, out += 2 * kTileBytes)
      pack_k_block(sub[j] + d * 2, stride, tokens - j * kSubTile, head_dim - d, out, splitter, cursor, [](int) {});
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

// Scores of one row (log2 units times 2^-16; `n` of 64 tokens count) -> weights, as the row of the weight tiles.
inline void softmax_pieces(float* __restrict s, int n, float* __restrict o, float* __restrict l, float* __restrict m, int padded,
                           uint8_t* __restrict weights) {
  __m512 x[4];
  __mmask16 seen[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const int left = n - i * 16;
    seen[i] = left >= 16 ? 0xffff : left > 0 ? (__mmask16)((1u << left) - 1) : 0;
    x[i] = _mm512_mask_loadu_ps(_mm512_set1_ps(kLowest), seen[i], s + i * 16);
  }
  const __m512 top = _mm512_max_ps(_mm512_max_ps(x[0], x[1]), _mm512_max_ps(x[2], x[3]));
  if (__builtin_expect(_mm512_cmp_ps_mask(top, _mm512_set1_ps(*m + kSlack / kScoreScale), _CMP_GT_OQ) != 0, 0)) {
    const float raised = _mm512_reduce_max_ps(top);
    const Vec shrink = exp2_vec(Vec::set((*m - raised) * kScoreScale));
    for (int d = 0; d < padded; d += 16) (Vec::load(o + d) * shrink).store(o + d);
    (Vec::load(l) * shrink).store(l);
    *m = raised;
  }
  const Vec offset = Vec::set(kWeightExponent - *m * kScoreScale), scale = Vec::set(kScoreScale);
  Vec sum = Vec::load(l);
  __m512i high[4], low[4], third[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m512 p = _mm512_maskz_mov_ps(seen[i], exp2_vec(Vec::fma(Vec{x[i]}, scale, offset)).v);
    sum = sum + Vec{p};
    split(p, high[i], low[i]);
    third[i] = _mm512_castps_si512(_mm512_mul_ps(_mm512_castsi512_ps(high[i]), _mm512_set1_ps(kLowScale)));
  }
  sum.store(l);
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++, weights += 3 * kTileBytes) {
    _mm512_storeu_si512(weights, interleave_high(high[2 * h], high[2 * h + 1]));
    _mm512_storeu_si512(weights + kTileBytes, interleave_high(low[2 * h], low[2 * h + 1]));
    _mm512_storeu_si512(weights + 2 * kTileBytes, interleave_high(third[2 * h], third[2 * h + 1]));
  }
}

// One left factor with four right factors, each into its own accumulator: a tile multiplication takes 52 cycles but
// one can start every 16, so consecutive ones must not wait for each other. Three registers of right factors keep
// loads ahead.
inline void multiply_four(const uint8_t* left, const uint8_t* right, size_t step) {
  _tile_loadd(4, left, 64);
  _tile_loadd(5, right, 64);
  _tile_loadd(6, right + step, 64);
  _tile_dpbf16ps(0, 4, 5);
  _tile_loadd(7, right + 2 * step, 64);
  _tile_dpbf16ps(1, 4, 6);
  _tile_loadd(5, right + 3 * step, 64);
  _tile_dpbf16ps(2, 4, 7);
  _tile_dpbf16ps(3, 4, 5);
}
inline void multiply_two(const uint8_t* left, const uint8_t* right, size_t step) {
  _tile_loadd(4, left, 64);
  _tile_loadd(5, right, 64);
  _tile_loadd(6, right + step, 64);
  _tile_dpbf16ps(0, 4, 5);
  _tile_dpbf16ps(1, 4, 6);
}

// S[16 rows][64 tokens] = q K^T
inline void score_tiles(const uint8_t* q, const uint8_t* k, int blocks, float* s) {
  finish_stores(q, k);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const size_t sub = (size_t)blocks * 2 * kTileBytes;
  for (int b = 0; b < blocks; b++, q += 3 * kTileBytes, k += 2 * kTileBytes) {
    multiply_four(q, k, sub);
    multiply_four(q + kTileBytes, k, sub);
    multiply_four(q + 2 * kTileBytes, k + kTileBytes, sub);
  }
  _tile_stored(0, s, kTile * 4);
  _tile_stored(1, s + 16, kTile * 4);
  _tile_stored(2, s + 32, kTile * 4);
  _tile_stored(3, s + 48, kTile * 4);
}

// O[16 rows][padded] += P V over `halves` halves of the tile.
inline void value_tiles(float* o, const uint8_t* p, const uint8_t* v, int padded, int halves) {
  finish_stores(o, p, v);
  const size_t half = (size_t)(padded / 16) * 2 * kTileBytes, row = (size_t)padded * 4, step = 2 * kTileBytes;
  int d = 0;
  for (; d + 64 <= padded; d += 64, v += 4 * step) {
    _tile_loadd(0, o + d, row);
    _tile_loadd(1, o + d + 16, row);
    _tile_loadd(2, o + d + 32, row);
    _tile_loadd(3, o + d + 48, row);
    for (int h = 0; h < halves; h++) {
      const uint8_t *left = p + (size_t)h * 3 * kTileBytes, *right = v + (size_t)h * half;
      multiply_four(left, right, step);
      multiply_four(left + kTileBytes, right, step);
      multiply_four(left + 2 * kTileBytes, right + kTileBytes, step);
    }
    _tile_stored(0, o + d, row);
    _tile_stored(1, o + d + 16, row);
    _tile_stored(2, o + d + 32, row);
    _tile_stored(3, o + d + 48, row);
  }
  for (; d < padded; d += 32, v += 2 * step) {
    _tile_loadd(0, o + d, row);
    _tile_loadd(1, o + d + 16, row);
    for (int h = 0; h < halves; h++) {
      const uint8_t *left = p + (size_t)h * 3 * kTileBytes, *right = v + (size_t)h * half;
      multiply_two(left, right, step);
      multiply_two(left + kTileBytes, right, step);
      multiply_two(left + 2 * kTileBytes, right + kTileBytes, step);
    }
    _tile_stored(0, o + d, row);
    _tile_stored(1, o + d + 16, row);
  }
}

// In the packed forms a NaN or infinity is an ordinary large number (its exponent is 31 before the shift), which
// harms no row that does not see its token. Rows that do see one get NaN. at(t, d) is the place of its high piece.
template <class At> void spoil_rows(const AttendArgs& a, const float* packed, At at) {
  if (!is_spoiled(packed + kTile * a.padded)) return;
  const uint16_t* pieces = (const uint16_t*)packed;
  float* l = a.state + kRowTile * a.padded;
  int first = kTile;
  for (int t = 0; t < a.tokens; t++)
    for (int d = 0; d < a.padded && first == kTile; d++)
      if ((pieces[at(t, d)] & 0x0f80) == 0x0f80) first = t;
  for (int r = 0; r < a.rows; r++)
    if (a.visible[r] > first) l[r * 16] = __builtin_nanf("");
}

uint8_t* weights_of(const AttendArgs& a) { return (uint8_t*)(a.scores + kRowTile * kTile); }

void softmax_rows(const AttendArgs& a) {
  float* l = a.state + kRowTile * a.padded;
  float* m = l + kRowTile * 16;
  // A row that sees nothing here gets weights of 0 and keeps its maximum.
  for (int r = 0; r < a.rows; r++)
    softmax_pieces(a.scores + r * kTile, a.visible[r], a.state + r * a.padded, l + r * 16, m + r, a.padded, weights_of(a) + r * 64);
}

void spoil_by_k(const AttendArgs& a) {
  const int blocks = a.padded / 32;
  spoil_rows(a, a.k, [&](int t, int d) { return (t / 16 * blocks + d / 32) * (int)kTileBytes + d % 32 / 2 * 32 + t % 16 * 2 + d % 2; });
}
void spoil_by_v(const AttendArgs& a) {
  spoil_rows(a, a.v, [&](int t, int d) {
    return (t / 32 * (a.padded / 16) + d / 16) * (int)kTileBytes + t % 16 * 32 + d % 16 * 2 + t % 32 / 16;
  });
}

void score(const AttendArgs& a) {
  score_tiles((const uint8_t*)a.q, (const uint8_t*)a.k, a.padded / 32, a.scores);
  softmax_rows(a);
  spoil_by_k(a);
}

void value(const AttendArgs& a) {
  value_tiles(a.state, weights_of(a), (const uint8_t*)a.v, a.padded, a.visible[a.rows - 1] > 32 ? 2 : 1);
  spoil_by_v(a);
}

// The product number `piece` of one block of dims, into accumulator C (intrinsics take literal tile numbers only).
template <int C> inline void score_step(int piece, const uint8_t* q, const uint8_t* k) {
  finish_stores(q, k);
  if (piece == 0) _tile_loadd(6, k, 64);
  if (piece == 2) _tile_loadd(6, k + kTileBytes, 64);
  _tile_loadd(4, q + (size_t)piece * kTileBytes, 64);
  if constexpr (C == 0) _tile_dpbf16ps(0, 4, 6);
  if constexpr (C == 1) _tile_dpbf16ps(1, 4, 6);
  if constexpr (C == 2) _tile_dpbf16ps(2, 4, 6);
  if constexpr (C == 3) _tile_dpbf16ps(3, 4, 6);
}
template <int C> inline void store_scores(float* s) {
  if constexpr (C == 0) _tile_stored(0, s, kTile * 4);
  if constexpr (C == 1) _tile_stored(1, s + 16, kTile * 4);
  if constexpr (C == 2) _tile_stored(2, s + 32, kTile * 4);
  if constexpr (C == 3) _tile_stored(3, s + 48, kTile * 4);
}

// Packs sub-tile J of K; meanwhile multiplies the block packed before (the last one of sub-tile J - 1 at first).
template <int J> inline void pack_and_score(const AttendArgs& a, const uint8_t* source, size_t stride, int head_dim, float* packed,
                                            F16Splitter& splitter, PrefetchCursor& cursor) {
  const int blocks = a.padded / 32;
  uint8_t* k = (uint8_t*)packed + (size_t)(J * blocks) * 2 * kTileBytes;
  const uint8_t* q = (const uint8_t*)a.q;
  for (int b = 0; b < blocks; b++, k += 2 * kTileBytes) {
    const auto pack = [&](auto step) { pack_k_block(source + b * 64, stride, a.tokens - J * kSubTile, head_dim - b * 32, k, splitter, cursor, step); };
    const uint8_t *q_before = q + (size_t)((b ? b : blocks) - 1) * 3 * kTileBytes, *k_before = k - 2 * kTileBytes;
    if (b > 0) {
      pack([&](int piece) { score_step<J>(piece, q_before, k_before); });
    } else if constexpr (J > 0) {
      pack([&](int piece) { score_step<J - 1>(piece, q_before, k_before); });
      store_scores<J - 1>(a.scores);
    } else {
      pack([](int) {});
    }
  }
}

// Four products of one half: number `piece` into the four accumulators of O.
inline void value_step(int piece, const uint8_t* p, const uint8_t* v) {
  finish_stores(p, v);
  multiply_four(p + (size_t)piece * kTileBytes, v + (piece == 2 ? kTileBytes : 0), 2 * kTileBytes);
}

// Decode: the tile unit multiplies one block while the vector units pack the next. The same sums in the same order as
// pack_k, score, pack_v, value. V is packed over K.
void attend_packing(const AttendArgs& a, const uint8_t* const* k_sub, const uint8_t* const* v_sub, size_t stride, int head_dim, float* packed,
                    PrefetchCursor& cursor) {
  const int blocks = a.padded / 32;
  F16Splitter k_splitter;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  pack_and_score<0>(a, k_sub[0], stride, head_dim, packed, k_splitter, cursor);
  pack_and_score<1>(a, k_sub[1], stride, head_dim, packed, k_splitter, cursor);
  pack_and_score<2>(a, k_sub[2], stride, head_dim, packed, k_splitter, cursor);
  pack_and_score<3>(a, k_sub[3], stride, head_dim, packed, k_splitter, cursor);
  const uint8_t *q_last = (const uint8_t*)a.q + (size_t)(blocks - 1) * 3 * kTileBytes;
  const uint8_t* k_last = (const uint8_t*)packed + (size_t)(4 * blocks - 1) * 2 * kTileBytes;
  for (int piece = 0; piece < 3; piece++) score_step<3>(piece, q_last, k_last);
  store_scores<3>(a.scores);
  k_splitter.report(packed + kTile * a.padded);
  softmax_rows(a);
  spoil_by_k(a);
  if (head_dim != 64) {
    pack_v(v_sub, stride, a.tokens, head_dim, packed, cursor);
    value(a);
    return;
  }
  F16Splitter v_splitter;
  const uint8_t *p = weights_of(a), *v = (const uint8_t*)packed;
  const size_t half = 8 * 2 * kTileBytes / 2;
  pack_v_half<2>(v_sub[0], v_sub[1], stride, a.tokens, a.tokens - 16, head_dim, (uint8_t*)packed, v_splitter, cursor,
              [](int t) { if (t % 4 == 0) stay_awake(); });
  finish_stores(a.state, p, v);
  _tile_loadd(0, a.state, 256);
  _tile_loadd(1, a.state + 16, 256);
  _tile_loadd(2, a.state + 32, 256);
  _tile_loadd(3, a.state + 48, 256);
  const auto first_half = [&](int t) { if (t % 5 == 0 && t < 15) value_step(t / 5, p, v); };
  pack_v_half<2>(v_sub[2], v_sub[3], stride, a.tokens - 32, a.tokens - 48, head_dim, (uint8_t*)packed + half, v_splitter, cursor, first_half);
  for (int piece = 0; piece < 3; piece++) value_step(piece, p + 3 * kTileBytes, v + half);
  _tile_stored(0, a.state, 256);
  _tile_stored(1, a.state + 16, 256);
  _tile_stored(2, a.state + 32, 256);
  _tile_stored(3, a.state + 48, 256);
  v_splitter.report(packed + kTile * a.padded);
  spoil_by_v(a);
}

void reset(float* state, int padded) { reset_state(state, kRowTile, padded); }

// Records are in plain units.
void close(const float* state, int row, int padded, float* record) {
  close_row(state, kRowTile, row, padded, record);
  for (int d = 0; d < padded; d += 16) (Vec::load(record + d) * Vec::set(kOutputScale)).store(record + d);
  record[padded] *= kScoreScale;
  record[padded + 1] *= kWeightScale;
}

// Column order back to dims: of each 32 columns, the first 16 are dims 0..3, 8..11, 16..19, 24..27, then the others.
void finish(const float* record, int head_dim, int padded, float* out) {
  const __m512 scale = _mm512_set1_ps(1.0f / record[padded + 1]);
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  for (int d = 0; d < head_dim; d += 32) {
    const __m512 a = _mm512_mul_ps(_mm512_loadu_ps(record + d), scale), b = _mm512_mul_ps(_mm512_loadu_ps(record + d + 16), scale);
    const Vec low{_mm512_permutex2var_ps(a, first, b)};
    const Vec high{_mm512_permutex2var_ps(a, _mm512_add_epi32(first, _mm512_set1_epi32(8)), b)};
    const int left = head_dim - d;
    if (left >= 32) {
      low.store(out + d);
      high.store(out + d + 16);
    } else {
      low.store_first(out + d, left < 16 ? left : 16);
      if (left > 16) high.store_first(out + d + 16, left - 16);
    }
  }
}

// An f32 cache has no exact pair of pieces: the driver runs it on the Avx512 kernels.
constexpr AttentionKernels kAttentionKernels = {kRowTile, kDimMultiple, begin, end, pack_q, {pack_k, nullptr}, {pack_v, nullptr},
                                                reset, score, value, attend_packing, close, merge_records, finish};

}  // namespace

const AttentionKernels& attention_kernels_amx() { return kAttentionKernels; }

}  // namespace triptych
