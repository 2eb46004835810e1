// Attention with AMX tiles over an f16 cache. Tiles multiply bfloat16 and add in f32, so every factor is cut into two
// bfloat16 pieces, high + low: K and V exactly (but for the last bits of f16 subnormals), queries and weights to 16 bits. The
// products high*high, low*high and high*low are summed. The error against f32 arithmetic is about 2^-17 of a product,
// far below what rounding K and V to f16 costs. (Attention on AMX needs AVX512-FP16 too; every processor with AMX has it.)
// The pieces and their layout in memory: amx_packing.h.
#include "attention/attention_kernels.h"

#if defined(__AVX512FP16__)
#include "attention/amx_packing.h"
#include "ops/vec_avx512.h"

#include "attention/softmax.inl"

namespace triptych {
namespace {

// 2^x for x at most 127; what is below 2^-126 becomes that. While tiles are in use only one port takes floating-point
// instructions (see linear/README.md), so their number counts: the fraction comes from a single one.
inline __m512 exp2_pieces(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-126.0f));
  const __m512 f = _mm512_reduce_ps(x, 9);  // x - floor(x)
  // Minimax of 2^f / (its value) on [0, 1] with the constant term held at 1: 8e-8.
  __m512 p = _mm512_set1_ps(0.0018671300700467547f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.009017030321975116f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.055799913104194174f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.2401644501549071f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693151311804626f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, x);
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
  const __m512 offset = _mm512_set1_ps(kWeightExponent - *m * kScoreScale), scale = _mm512_set1_ps(kScoreScale);
  // The upper halves of 16 numbers of each of two registers, in order.
  const __m512i upper = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25, 23, 21, 19, 17,
                                         15, 13, 11, 9, 7, 5, 3, 1);
  __m512 sum = _mm512_loadu_ps(l);
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++, weights += 3 * kTileBytes) {
    __m512 high[2], low[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      const __m512 p = _mm512_maskz_mov_ps(seen[2 * h + i], exp2_pieces(_mm512_fmadd_ps(x[2 * h + i], scale, offset)));
      sum = _mm512_add_ps(sum, p);
      high[i] = _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(p), _mm512_set1_epi32((int)0xffff0000)));
      low[i] = _mm512_sub_ps(p, high[i]);
    }
    const __m512i highs = _mm512_permutex2var_epi16(_mm512_castps_si512(high[0]), upper, _mm512_castps_si512(high[1]));
    _mm512_storeu_si512(weights, highs);
    _mm512_storeu_si512(weights + kTileBytes, (__m512i)_mm512_cvtne2ps_pbh(low[1], low[0]));
    // high * 2^-8: the exponent less eight. (What is below 2^-119 becomes 0; the scale of weights is 2^104.)
    _mm512_storeu_si512(weights + 2 * kTileBytes, _mm512_subs_epu16(highs, _mm512_set1_epi16(8 << 7)));
  }
  _mm512_storeu_ps(l, sum);
}

// One left factor (4) with four right factors, each into its own accumulator. Three registers of right factors keep the
// loads ahead of the products.
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

inline void zero_scores() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}
inline void store_scores(float* s) {
  _tile_stored(0, s, kTile * 4);
  _tile_stored(1, s + 16, kTile * 4);
  _tile_stored(2, s + 32, kTile * 4);
  _tile_stored(3, s + 48, kTile * 4);
}

// Step i of 3 * (padded / 32) that make S[16 rows][64 tokens] = q K^T.
inline void scores_step(int i, const AttendArgs& a) {
  const size_t b = (size_t)i / 3, piece = (size_t)i % 3;
  const uint8_t *q = (const uint8_t*)a.q + (b * 3 + piece) * kTileBytes, *k = (const uint8_t*)a.k + (b * 2 + (piece == 2)) * kTileBytes;
  finish_stores(q, k);
  multiply_four(q, k, (size_t)(a.padded / 32) * 2 * kTileBytes);
}

// O[16 rows][64 columns from d on], in accumulators 0..3.
inline void load_output(const float* o, size_t row) {
  finish_stores(o);
  _tile_loadd(0, o, row);
  _tile_loadd(1, o + 16, row);
  _tile_loadd(2, o + 32, row);
  _tile_loadd(3, o + 48, row);
}
inline void store_output(float* o, size_t row) {
  _tile_stored(0, o, row);
  _tile_stored(1, o + 16, row);
  _tile_stored(2, o + 32, row);
  _tile_stored(3, o + 48, row);
}

// The product number `piece` (high, low, high by low) of one half with 64 columns.
inline void value_step(int piece, const uint8_t* p, const uint8_t* v) {
  finish_stores(p, v);
  multiply_four(p + (size_t)piece * kTileBytes, v + (piece == 2 ? kTileBytes : 0), 2 * kTileBytes);
}

// O[16 rows][padded] += P V over `halves` halves of the tile.
inline void value_tiles(float* o, const uint8_t* p, const uint8_t* v, int padded, int halves) {
  const size_t half = (size_t)(padded / 16) * 2 * kTileBytes, row = (size_t)padded * 4, step = 2 * kTileBytes;
  int d = 0;
  for (; d + 64 <= padded; d += 64, v += 4 * step) {
    load_output(o + d, row);
    for (int i = 0; i < 3 * halves; i++) value_step(i % 3, p + (size_t)(i / 3) * 3 * kTileBytes, v + (size_t)(i / 3) * half);
    store_output(o + d, row);
  }
  for (; d < padded; d += 32, v += 2 * step) {
    finish_stores(o, p, v);
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

// A row that sees nothing here gets weights of 0 and keeps its maximum.
inline void softmax_at(const AttendArgs& a, int r) {
  float* l = a.state + kRowTile * a.padded;
  float* m = l + kRowTile * 16;
  softmax_pieces(a.scores + r * kTile, a.visible[r], a.state + r * a.padded, l + r * 16, m + r, a.padded, weights_of(a) + r * 64);
}

void spoil_by_k(const AttendArgs& a) {
  const int blocks = a.padded / 32;
  spoil_rows(a, a.k, [&](int t, int d) { return (t / 16 * blocks + d / 32) * (int)kTileBytes + d % 32 / 2 * 32 + t % 16 * 2 + d % 2; });
}
void spoil_by_v(const AttendArgs& a) {
  spoil_rows(a, a.v, [&](int t, int d) {
    return (t / 32 * (a.padded / 16) + d / 16) * (int)kTileBytes + t % 32 / 2 * 32 + d % 16 * 2 + t % 2;
  });
}

int halves_of(const AttendArgs& a) { return a.visible[a.rows - 1] > 32 ? 2 : 1; }

void score(const AttendArgs& a) {
  zero_scores();
  for (int i = 0; i < a.padded / 32 * 3; i++) scores_step(i, a);
  store_scores(a.scores);
  for (int r = 0; r < a.rows; r++) softmax_at(a, r);
  spoil_by_k(a);
}

void value(const AttendArgs& a) {
  value_tiles(a.state, weights_of(a), (const uint8_t*)a.v, a.padded, halves_of(a));
  spoil_by_v(a);
}

// Prefill: three row tiles at once, so that the tile unit and the vector units work at the same time: the scores of
// one and the outputs of another are multiplied while the weights of a third are computed. Each may be null.
void attend_step(const AttendArgs* scored, const AttendArgs* weighed, const AttendArgs* valued) {
  const int rows = weighed ? weighed->rows : 0, middle = rows / 2;
  // Runs the rows from..to-1 with `steps` steps spread among them.
  const auto mix = [&](int from, int to, int steps, auto step) {
    int done = 0;
    for (int r = from; r < to; r++) {
      for (; done * (to - from) < steps * (r - from + 1); done++) step(done);
      softmax_at(*weighed, r);
    }
    for (; done < steps; done++) step(done);
  };
  if (scored) zero_scores();
  mix(0, middle, scored ? scored->padded / 32 * 3 : 0, [&](int i) { scores_step(i, *scored); });
  if (scored) store_scores(scored->scores);
  if (valued && valued->padded == 64) {
    const uint8_t *p = weights_of(*valued), *v = (const uint8_t*)valued->v;
    load_output(valued->state, 256);
    mix(middle, rows, 3 * halves_of(*valued), [&](int i) { value_step(i % 3, p + (size_t)(i / 3) * 3 * kTileBytes, v + (size_t)(i / 3) * 8 * kTileBytes); });
    store_output(valued->state, 256);
    spoil_by_v(*valued);
  } else {
    mix(middle, rows, 0, [](int) {});
    if (valued) value(*valued);
  }
  if (weighed) spoil_by_k(*weighed);
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
template <int C> inline void store_score(float* s) {
  if constexpr (C == 0) _tile_stored(0, s, kTile * 4);
  if constexpr (C == 1) _tile_stored(1, s + 16, kTile * 4);
  if constexpr (C == 2) _tile_stored(2, s + 32, kTile * 4);
  if constexpr (C == 3) _tile_stored(3, s + 48, kTile * 4);
}

// Packs sub-tile J of K; meanwhile multiplies the block packed before (the last one of sub-tile J - 1 at first).
template <int J> inline void pack_and_score(const AttendArgs& a, const uint8_t* source, int head_dim, float* packed, F16Splitter& splitter,
                                            PrefetchCursor& cursor) {
  const int blocks = a.padded / 32;
  uint8_t* k = (uint8_t*)packed + (size_t)(J * blocks) * 2 * kTileBytes;
  const uint8_t* q = (const uint8_t*)a.q;
  for (int b = 0; b < blocks; b++, k += 2 * kTileBytes) {
    const auto pack = [&](auto step) { pack_k_block(source + b * kTileBytes, a.tokens - J * kSubTile, head_dim - b * 32, k, splitter, cursor, step); };
    const uint8_t *q_before = q + (size_t)((b ? b : blocks) - 1) * 3 * kTileBytes, *k_before = k - 2 * kTileBytes;
    if (b > 0) {
      pack([&](int piece) { score_step<J>(piece, q_before, k_before); });
    } else if constexpr (J > 0) {
      pack([&](int piece) { score_step<J - 1>(piece, q_before, k_before); });
      store_score<J - 1>(a.scores);
    } else {
      pack([](int) {});
    }
  }
}

// Decode: the tile unit multiplies one block while the vector units pack the next. The same sums in the same order as
// pack_k, score, pack_v, value. V is packed over K.
void attend(const AttendArgs& a, const uint8_t* const* k_sub, const uint8_t* const* v_sub, size_t stride, int head_dim, float* packed,
                    PrefetchCursor& cursor) {
  const int blocks = a.padded / 32;
  F16Splitter k_splitter;
  zero_scores();
  pack_and_score<0>(a, k_sub[0], head_dim, packed, k_splitter, cursor);
  pack_and_score<1>(a, k_sub[1], head_dim, packed, k_splitter, cursor);
  pack_and_score<2>(a, k_sub[2], head_dim, packed, k_splitter, cursor);
  pack_and_score<3>(a, k_sub[3], head_dim, packed, k_splitter, cursor);
  const uint8_t *q_last = (const uint8_t*)a.q + (size_t)(blocks - 1) * 3 * kTileBytes;
  const uint8_t* k_last = (const uint8_t*)packed + (size_t)(4 * blocks - 1) * 2 * kTileBytes;
  for (int piece = 0; piece < 3; piece++) score_step<3>(piece, q_last, k_last);
  store_score<3>(a.scores);
  k_splitter.report(packed + kTile * a.padded);
  for (int r = 0; r < a.rows; r++) softmax_at(a, r);
  spoil_by_k(a);
  if (head_dim != 64) {
    pack_v(v_sub, stride, a.tokens, head_dim, packed, cursor);
    value(a);
    return;
  }
  F16Splitter v_splitter;
  const uint8_t *p = weights_of(a), *v = (const uint8_t*)packed;
  const size_t half = 8 * kTileBytes;
  pack_v_half<2>(v_sub[0], v_sub[1], stride, a.tokens, a.tokens - 16, head_dim, (uint8_t*)packed, v_splitter, cursor,
              [](int t) { if (t % 4 == 0) stay_awake(); });
  load_output(a.state, 256);
  const auto first_half = [&](int t) { if (t % 5 == 0 && t < 15) value_step(t / 5, p, v); };
  pack_v_half<2>(v_sub[2], v_sub[3], stride, a.tokens - 32, a.tokens - 48, head_dim, (uint8_t*)packed + half, v_splitter, cursor, first_half);
  for (int piece = 0; piece < 3; piece++) value_step(piece, p + 3 * kTileBytes, v + half);
  store_output(a.state, 256);
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
                                                reset, score, value, attend_step, {attend, nullptr}, close, merge_records, finish};

}  // namespace

const AttentionKernels& attention_kernels_amx() { return kAttentionKernels; }

}  // namespace triptych

#else

// The compiler has no half-precision instructions.
namespace triptych {
const AttentionKernels& attention_kernels_amx() { return attention_kernels_avx512(); }
}  // namespace triptych

#endif
