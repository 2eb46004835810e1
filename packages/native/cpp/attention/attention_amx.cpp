// Attention with AMX tiles over an f16 cache. Tiles multiply bfloat16 and add in f32, so every f32 factor is cut into
// two bfloat16 pieces, high + low: exactly for K and V (f16 has 11 bits, two pieces hold 16), to 16 bits for queries
// and weights; the products high*high, low*high and high*low are summed. The error against f32 arithmetic is about
// 2^-17 of a product, far below what rounding K and V to f16 cost.
//
// Layouts, in units of one tile register (1 KiB), each a pair (high, low); b counts blocks of 32 dims (in the order of
// packed_dim), d blocks of 16 dims, j sub-tiles of 16 tokens, h halves of 32 tokens:
//   q [b] 16 rows x 32 dims;   K [j][b] 16 dim pairs x 16 tokens;   V [h][d] 16 token pairs (t, t+16) x 16 dims;
//   scores: f32 [16 rows][64 tokens], then weights [h] 16 rows x 32 tokens (0, 16, 1, 17, ...).
#include "attention/attention_kernels.h"
#include "attention/transpose_avx512.h"
#include "ops/vec_avx512.h"

#include "attention/softmax.inl"

namespace triptych {
namespace {

constexpr int kRowTile = 16;
constexpr int kDimMultiple = 32;
constexpr size_t kTileBytes = 1024;

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

// f32 -> high piece (rounded) and what is left, both as f32 whose low 16 bits do not count.
inline void split_rounded(__m512 x, __m512i& high, __m512i& low) {
  high = _mm512_and_si512(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000)), _mm512_set1_epi32((int)0xffff0000));
  low = _mm512_castps_si512(_mm512_sub_ps(x, _mm512_castsi512_ps(high)));
}
inline void split_truncated(__m512 x, __m512i& high, __m512i& low) {
  high = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32((int)0xffff0000));
  low = _mm512_castps_si512(_mm512_sub_ps(x, _mm512_castsi512_ps(high)));
}
// The upper halves of a and b, interleaved: a0 b0 a1 b1 ...
inline __m512i interleave_high(__m512i a, __m512i b) {
  return _mm512_mask_mov_epi16(b, 0x55555555u, _mm512_srli_epi32(a, 16));
}

void pack_q(const float* const* rows, int count, int head_dim, float scale, float* q) {
  const int padded = padded_dims(head_dim);
  uint16_t* out = (uint16_t*)q;
  memset(q, 0, (size_t)padded * kRowTile * sizeof(float));
  for (int r = 0; r < count; r++) {
    for (int d = 0; d < head_dim; d++) {
      const float x = rows[r][d] * scale;
      uint32_t u, rest;
      memcpy(&u, &x, 4);
      const uint32_t high = x == x ? (u + 0x8000) & 0xffff0000u : 0x7fc00000u;
      float f;
      memcpy(&f, &high, 4);
      f = x - f;
      memcpy(&rest, &f, 4);
      uint16_t* at = out + (size_t)(d / 32) * kTileBytes + r * 32 + packed_dim(d) % 32;  // two tiles are 1024 elements
      at[0] = (uint16_t)(high >> 16);
      at[kTileBytes / 2] = (uint16_t)((rest + 0x8000) >> 16);
    }
  }
}

void pack_k(const uint8_t* source, size_t stride, int tokens, int head_dim, int sub, float* k, PrefetchCursor& cursor) {
  alignas(64) uint16_t t[32 * 16];
  const int blocks = padded_dims(head_dim) / 32;
  uint8_t* out = (uint8_t*)k + (size_t)(sub * blocks) * 2 * kTileBytes;
  for (int b = 0; b < blocks; b++, out += 2 * kTileBytes) {
    const int left = head_dim - b * 32;
    if (tokens == 16 && left >= 32) transpose_f16(source + b * 64, stride, 16, 0xffffffffu, t);
    else transpose_f16(source + b * 64, stride, tokens, left >= 32 ? 0xffffffffu : (1u << left) - 1, t);
#pragma GCC unroll 4
    for (int i = 0; i < 16; i++) {
      cursor.fetch(1);
      __m512i high[2], low[2];
      split_truncated(Vec::load(t + 2 * i * 16).v, high[0], low[0]);
      split_truncated(Vec::load(t + (2 * i + 1) * 16).v, high[1], low[1]);
      _mm512_storeu_si512(out + i * 64, interleave_high(high[0], high[1]));
      _mm512_storeu_si512(out + kTileBytes + i * 64, interleave_high(low[0], low[1]));
    }
  }
}

// Sixteen tokens fill one half of the pairs: the even sub-tile of a half writes (t, 0), the odd one adds its tokens.
void pack_v(const uint8_t* source, size_t stride, int tokens, int head_dim, int sub, float* v, PrefetchCursor& cursor) {
  const int blocks = padded_dims(head_dim) / 16;
  uint8_t* out = (uint8_t*)v + (size_t)(sub / 2 * blocks) * 2 * kTileBytes;
  const bool odd = sub % 2;
  for (int t = 0; t < kSubTile; t++, out += 64) {
    const uint16_t* row = (const uint16_t*)(source + (size_t)t * stride);
    if (t >= tokens && odd) break;
    cursor.fetch(blocks / 2);
    for (int d = 0; d < blocks; d++) {
      const int left = t < tokens ? head_dim - d * 16 : 0;
      __m512i high, low;
      split_truncated(left >= 16 ? Vec::load(row + d * 16).v : Vec::load_first(row + d * 16, left > 0 ? left : 0).v, high, low);
      uint8_t* at = out + (size_t)d * 2 * kTileBytes;
      if (odd) {
        high = _mm512_mask_loadu_epi16(high, 0x55555555u, at);
        low = _mm512_mask_loadu_epi16(low, 0x55555555u, at + kTileBytes);
      } else {
        high = _mm512_srli_epi32(high, 16);
        low = _mm512_srli_epi32(low, 16);
      }
      _mm512_storeu_si512(at, high);
      _mm512_storeu_si512(at + kTileBytes, low);
    }
  }
}

// Scores of one row (log2 units; `n` of 64 tokens count) -> weights, as the row of the two pairs of weight tiles.
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
  if (__builtin_expect(_mm512_cmp_ps_mask(top, _mm512_set1_ps(*m + kSlack), _CMP_GT_OQ) != 0, 0)) {
    const float raised = _mm512_reduce_max_ps(top);
    const Vec shrink = exp2_vec(Vec::set(*m - raised));
    for (int d = 0; d < padded; d += 16) (Vec::load(o + d) * shrink).store(o + d);
    (Vec::load(l) * shrink).store(l);
    *m = raised;
  }
  const Vec limit = Vec::set(*m);
  Vec sum = Vec::load(l);
  __m512i high[4], low[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m512 p = _mm512_maskz_mov_ps(seen[i], exp2_vec(Vec{x[i]} - limit).v);
    sum = sum + Vec{p};
    split_rounded(p, high[i], low[i]);
  }
  sum.store(l);
#pragma GCC unroll 2
  for (int h = 0; h < 2; h++) {
    _mm512_storeu_si512(weights + (size_t)h * 2 * kTileBytes, interleave_high(high[2 * h], high[2 * h + 1]));
    _mm512_storeu_si512(weights + (size_t)h * 2 * kTileBytes + kTileBytes, interleave_high(low[2 * h], low[2 * h + 1]));
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
  for (int b = 0; b < blocks; b++, q += 2 * kTileBytes, k += 2 * kTileBytes) {
    multiply_four(q, k, sub);
    multiply_four(q + kTileBytes, k, sub);
    multiply_four(q, k + kTileBytes, sub);
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
      const uint8_t *left = p + (size_t)h * step, *right = v + (size_t)h * half;
      multiply_four(left, right, step);
      multiply_four(left + kTileBytes, right, step);
      multiply_four(left, right + kTileBytes, step);
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
      const uint8_t *left = p + (size_t)h * step, *right = v + (size_t)h * half;
      multiply_two(left, right, step);
      multiply_two(left + kTileBytes, right, step);
      multiply_two(left, right + kTileBytes, step);
    }
    _tile_stored(0, o + d, row);
    _tile_stored(1, o + d + 16, row);
  }
}

// Whether V has a NaN or infinity: 0 times such a value would reach rows that do not see its token.
bool all_finite(const uint8_t* v, int padded) {
  const __m512i exponent = _mm512_set1_epi16(0x7f80);
  __mmask32 found = 0;
  for (size_t tile = 0; tile < (size_t)padded / 8; tile++)  // high pieces only: they carry the exponent
    for (int i = 0; i < 16; i++) {
      const __m512i x = _mm512_and_si512(_mm512_loadu_si512(v + tile * 2 * kTileBytes + i * 64), exponent);
      found |= _mm512_cmpeq_epi16_mask(x, exponent);
    }
  return found == 0;
}

// The rare case of values that are not finite in a tile that rows see differently much of: row by row, with V cut
// off at what the row sees.
void value_tiles_apart(const AttendArgs& a, const uint8_t* p, int halves) {
  const size_t bytes = (size_t)kTile * (size_t)a.padded * 4;
  alignas(64) uint8_t v[kTile * 256 * 4];
  alignas(64) float o[kRowTile * 256];
  for (int r = 0; r < a.rows; r++) {
    if (a.visible[r] <= 0) continue;
    memcpy(v, a.v, bytes);
    for (int t = a.visible[r]; t < kTile; t++)
      for (int d = 0; d < a.padded; d++)
        for (size_t piece = 0; piece < 2; piece++) {
          uint8_t* tile = v + ((size_t)(t / 32 * (a.padded / 16) + d / 16) * 2 + piece) * kTileBytes;
          ((uint16_t*)tile)[t % 16 * 32 + d % 16 * 2 + t % 32 / 16] = 0;
        }
    memcpy(o, a.state, (size_t)kRowTile * (size_t)a.padded * 4);
    value_tiles(o, p, v, a.padded, halves);
    memcpy(a.state + r * a.padded, o + r * a.padded, (size_t)a.padded * 4);
  }
}

void attend(const AttendArgs& a) {
  const int tokens = a.visible[a.rows - 1], halves = tokens > 32 ? 2 : 1;
  uint8_t* weights = (uint8_t*)(a.scores + kRowTile * kTile);
  score_tiles((const uint8_t*)a.q, (const uint8_t*)a.k, a.padded / 32, a.scores);
  float* l = a.state + kRowTile * a.padded;
  float* m = l + kRowTile * 16;
  for (int r = 0; r < a.rows; r++) {
    // A row that sees nothing here gets weights of 0 and keeps its maximum.
    softmax_pieces(a.scores + r * kTile, a.visible[r], a.state + r * a.padded, l + r * 16, m + r, a.padded, weights + r * 64);
  }
  const uint8_t* v = (const uint8_t*)a.v;
  if (a.visible[0] != a.tokens && !all_finite(v, a.padded)) value_tiles_apart(a, weights, halves);
  else value_tiles(a.state, weights, v, a.padded, halves);
}

void reset(float* state, int padded) { reset_state(state, kRowTile, padded); }
void close(const float* state, int row, int padded, float* record) { close_row(state, kRowTile, row, padded, record); }

// An f32 cache has no exact pair of pieces: the driver runs it on the Avx512 kernels.
constexpr AttentionKernels kAttentionKernels = {kRowTile, kDimMultiple, begin, end, pack_q, {pack_k, nullptr}, {pack_v, nullptr},
                                                reset, attend, close, merge_records, finish_row};

}  // namespace

const AttentionKernels& attention_kernels_amx() { return kAttentionKernels; }

}  // namespace triptych
