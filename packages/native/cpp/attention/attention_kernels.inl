// The f32 kernels in terms of Vec. The including file defines kRowTile and kDimMultiple.
// Both products run as register tiles of up to kRowTile rows times two vectors. Every score is one chain of
// multiply-adds over the dims and every output element one chain over the tokens, so a row's bits do not depend on
// how many rows share its tile.
#include "attention/softmax.inl"

namespace triptych {
namespace {

inline int padded_dims(int head_dim) { return (head_dim + kDimMultiple - 1) / kDimMultiple * kDimMultiple; }

// scores[R][0..2 vectors) of the tokens at k0 and k1 ([D][16] each, f32 or f16).
template <int R, class T> inline void score_tile(const float* __restrict q, const T* __restrict k0, const T* __restrict k1,
                                                 float* __restrict s0, float* __restrict s1, int dims) {
  Vec c[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) c[r][0] = c[r][1] = Vec::zero();
#pragma GCC unroll 2
  for (int d = 0; d < dims; d++) {
    const Vec a = Vec::load(k0 + d * kSubTile), b = Vec::load(k1 + d * kSubTile);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      const Vec x = Vec::set(q[d * kRowTile + r]);
      c[r][0] = Vec::fma(x, a, c[r][0]);
      c[r][1] = Vec::fma(x, b, c[r][1]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    c[r][0].store(s0 + r * kTile);
    c[r][1].store(s1 + r * kTile);
  }
}

// O[R][D] += P[R][begin..end) V[begin..end)
template <int R> inline void value_tile(float* __restrict o, const float* __restrict p, const float* __restrict v, int begin,
                                        int end, int padded) {
  for (int h = 0; h < padded; h += 2 * Vec::kLanes) {
    Vec c[R][2];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      c[r][0] = Vec::load(o + r * padded + h);
      c[r][1] = Vec::load(o + r * padded + h + Vec::kLanes);
    }
    const float* row = v + (size_t)begin * (size_t)padded + h;
#pragma GCC unroll 2
    for (int t = begin; t < end; t++, row += padded) {
        const Vec a = Vec::load(row), b = Vec::load(row + Vec::kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const Vec x = Vec::set(p[r * kTile + t]);
        c[r][0] = Vec::fma(x, a, c[r][0]);
        c[r][1] = Vec::fma(x, b, c[r][1]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      c[r][0].store(o + r * padded + h);
      c[r][1].store(o + r * padded + h + Vec::kLanes);
    }
  }
}

template <int R> void score_rows(const AttendArgs& a, int row, int tokens) {
  constexpr int per_sub = kSubTile / Vec::kLanes;
  const auto column = [&](int vector) {
    return a.k + (size_t)(vector / per_sub) * (size_t)(a.padded * kSubTile) + (vector % per_sub) * Vec::kLanes;
  };
  float* s = a.scores + row * kTile;
  for (int i = 0; i * Vec::kLanes < tokens; i += 2)
    score_tile<R>(a.q + row, column(i), column(i + 1), s + i * Vec::kLanes, s + (i + 1) * Vec::kLanes, a.padded);
}
template <int R> void value_rows(const AttendArgs& a, int row, int begin, int end) {
  value_tile<R>(a.state + row * a.padded, a.scores + row * kTile, a.v, begin, end, a.padded);
}

// Calls f<R>(row) so that rows first..last-1 are covered; rows beyond `last` may be covered too if `loose`.
template <int R, class F> inline void cover(int first, int last, bool loose, F f) {
  while (last - first >= R || (loose && R > 1 && last - first > R / 2 && first + R <= kRowTile)) {
    f.template operator()<R>(first);
    first += R;
  }
  if constexpr (R > 1) {
    if (first < last) cover<R / 2>(first, last, loose, f);
  }
}

void score(const AttendArgs& a) {
  const int tokens = a.visible[a.rows - 1];
  // Rows of the tile beyond a.rows have q = 0: what becomes of them is never used.
  cover<kRowTile>(0, a.rows, true, [&]<int R>(int row) { score_rows<R>(a, row, tokens); });
  float* l = a.state + kRowTile * a.padded;
  float* m = l + kRowTile * 16;
  int r = 0;
  if (a.visible[0] == kTile)  // then all do
    for (; r + 4 <= a.rows; r += 4) softmax_whole<4>(a.scores + r * kTile, a.state + r * a.padded, l + r * 16, m + r, a.padded);
  for (; r < a.rows; r++)
    if (a.visible[r] > 0) softmax_row(a.scores + r * kTile, a.visible[r], a.state + r * a.padded, l + r * 16, m + r, a.padded);
}

void value(const AttendArgs& a) {
  const int tokens = a.visible[a.rows - 1];
  // Rows that see fewer tokens drop out: nothing is added for a token that a row does not see.
  const bool uniform = a.visible[0] == tokens;
  int row = 0;
  while (a.visible[row] <= 0) row++;
  for (int begin = 0; begin < tokens;) {
    const int end = a.visible[row];
    cover<kRowTile>(row, a.rows, uniform, [&]<int R>(int first) { value_rows<R>(a, first, begin, end); });
    begin = end;
    while (row < a.rows && a.visible[row] <= begin) row++;
  }
}

// [row][d] -> [d][row], zero where there is no row or no dim.
void pack_q(const float* const* rows, int count, int head_dim, float scale, float* q) {
  const int padded = padded_dims(head_dim);
  const float* row[kRowTile];
  for (int r = 0; r < kRowTile; r++) row[r] = rows[r < count ? r : 0];
  for (int d = 0; d < head_dim; d++) {
    float* out = q + d * kRowTile;
#pragma GCC unroll 8
    for (int r = 0; r < kRowTile; r++) out[r] = row[r][d] * scale;
    for (int r = count; r < kRowTile; r++) out[r] = 0.0f;
  }
  memset(q + head_dim * kRowTile, 0, (size_t)((padded - head_dim) * kRowTile) * sizeof(float));
}

// Blocks of keys as f32; absent tokens and padding dims are 0 (what the cache holds there may be anything).
template <class T> void pack_k(const uint8_t* const* sub, int tokens, int head_dim, float* k, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  for (int i = 0; i * kSubTile < tokens; i++) {
    const T* from = (const T*)sub[i];
    const int here = tokens - i * kSubTile;
    for (int d = 0; d < head_dim; d++, k += kSubTile, from += kSubTile) {
      if (d % 2 == 0) cursor.fetch(sizeof(T) / 2);
      for (int t = 0; t < kSubTile; t += Vec::kLanes) {
        if (here - t >= Vec::kLanes) Vec::load(from + t).store(k + t);
        else (here > t ? Vec::load_first(from + t, here - t) : Vec::zero()).store(k + t);
      }
    }
    memset(k, 0, (size_t)((padded - head_dim) * kSubTile) * sizeof(float));
    k += (padded - head_dim) * kSubTile;
  }
}

template <class T> void pack_v(const uint8_t* const* sub, size_t stride, int tokens, int head_dim, float* v, PrefetchCursor& cursor) {
  const int padded = padded_dims(head_dim);
  for (int t = 0; t < tokens; t++, v += padded) {
    cursor.fetch(padded / 32 * (int)(sizeof(T) / 2));
    const T* row = (const T*)(sub[t / kSubTile] + (size_t)(t % kSubTile) * stride);
    int d = 0;
    for (; d + Vec::kLanes <= head_dim; d += Vec::kLanes) Vec::load(row + d).store(v + d);
    if (d < head_dim) {
      Vec::load_first(row + d, head_dim - d).store(v + d);
      d += Vec::kLanes;
    }
    for (; d < padded; d += Vec::kLanes) Vec::zero().store(v + d);
  }
}

void reset(float* state, int padded) { reset_state(state, kRowTile, padded); }
void close(const float* state, int row, int padded, float* record) { close_row(state, kRowTile, row, padded, record); }
void begin(int) {}
void end() {}

using Attend = void(const AttendArgs&, const uint8_t* const*, const uint8_t* const*, size_t, int, float*, PrefetchCursor&);
constexpr AttentionKernels kernel_table(Attend* attend_f16, Attend* attend_f32) {
  return {kRowTile, kDimMultiple, begin, end, pack_q, {pack_k<uint16_t>, pack_k<float>}, {pack_v<uint16_t>, pack_v<float>},
          reset, score, value, nullptr, {attend_f16, attend_f32}, close, merge_records, finish_row};
}

}  // namespace
}  // namespace triptych
