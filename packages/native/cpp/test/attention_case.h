// A random attention step and its float64 reference, for the attention tests.
#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "attention/attention.h"
#include "core/f16.h"
#include "core/pool.h"
#include "test/check.h"
#include "test/isas.h"

namespace triptych::test {

inline bool quick() { return std::getenv("TRIPTYCH_TEST_QUICK") != nullptr; }

struct AttentionShape {
  int q_heads, kv_heads, head_dim;
  bool cache_f32;
  int padding = 0;  // bytes between tokens, a multiple of the element size
  size_t element() const { return cache_f32 ? 4 : 2; }
  size_t token_bytes() const { return (size_t)kv_heads * (size_t)head_dim * element(); }
  size_t stride() const { return token_bytes() + (size_t)padding; }
  size_t row() const { return (size_t)q_heads * (size_t)head_dim; }
};

// K or V of one sequence. With `guarded`, the byte after the last token is the first of a page that may not be
// touched, so any read beyond the sequence ends the test.
class CacheTensor {
 public:
  CacheTensor(const AttentionShape& shape, int tokens, bool guarded, Rng& rng) {
    bytes_ = shape.stride() * (size_t)(tokens - 1) + shape.token_bytes();
    const size_t page = 4096, body = (bytes_ + page - 1) / page * page;
    mapped_ = body + page;
    map_ = (uint8_t*)mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data_ = guarded ? map_ + body - bytes_ : map_;
    if (guarded) mprotect(map_ + body, page, PROT_NONE);
    for (int t = 0; t < tokens; t++)
      for (size_t i = 0; i < shape.token_bytes() / shape.element(); i++) {
        uint8_t* at = data_ + (size_t)t * shape.stride() + i * shape.element();
        const float x = rng.gauss();
        const uint16_t h = f32_to_f16(x);
        if (shape.cache_f32) memcpy(at, &x, 4); else memcpy(at, &h, 2);
      }
  }
  ~CacheTensor() { munmap(map_, mapped_); }
  CacheTensor(const CacheTensor&) = delete;
  CacheTensor& operator=(const CacheTensor&) = delete;
  uint8_t* data() const { return data_; }

 private:
  uint8_t *map_, *data_;
  size_t bytes_, mapped_;
};

inline float cache_value(const AttentionShape& s, const uint8_t* tensor, int token, int head, int d) {
  const uint8_t* at = tensor + (size_t)token * s.stride() + ((size_t)head * (size_t)s.head_dim + (size_t)d) * s.element();
  if (s.cache_f32) { float x; memcpy(&x, at, 4); return x; }
  uint16_t h;
  memcpy(&h, at, 2);
  return f16_to_f32(h);
}

// One query head in float64.
inline std::vector<double> reference_attention(const AttentionShape& s, const float* q, const uint8_t* k, const uint8_t* v,
                                               int kv_head, int tokens, double scale) {
  std::vector<double> score((size_t)tokens), out((size_t)s.head_dim);
  double top = -1e300, total = 0;
  for (int t = 0; t < tokens; t++) {
    double dot = 0;
    for (int d = 0; d < s.head_dim; d++) dot += (double)q[d] * cache_value(s, k, t, kv_head, d);
    score[(size_t)t] = dot * scale;
    top = std::max(top, score[(size_t)t]);
  }
  for (int t = 0; t < tokens; t++) {
    const double p = std::exp(score[(size_t)t] - top);
    total += p;
    for (int d = 0; d < s.head_dim; d++) out[(size_t)d] += p * cache_value(s, v, t, kv_head, d);
  }
  for (double& x : out) x /= total;
  return out;
}

struct Segment {
  const CacheTensor* k;
  const CacheTensor* v;
  int past;
  int rows;
  const float* q;  // [rows][q_heads * head_dim]
};

// Runs one step over the segments and returns the outputs, [all rows][q_heads * head_dim].
inline std::vector<float> run_attention(const AttentionShape& shape, Isa isa, int threads, const std::vector<Segment>& segments) {
  std::vector<AttentionSequence> sequences;
  int rows = 0, context = 0;
  for (const Segment& s : segments) {
    sequences.push_back({s.k->data(), s.v->data(), s.past, s.rows, rows});
    rows += s.rows;
    context = std::max(context, s.past + s.rows);
  }
  // Rows further apart than needed, so that strides are used.
  const size_t stride = shape.row() + 5;
  std::vector<float> q((size_t)rows * stride, NAN), out((size_t)rows * stride, NAN);
  size_t row = 0;
  for (const Segment& s : segments)
    for (int i = 0; i < s.rows; i++) memcpy(&q[row++ * stride], s.q + (size_t)i * shape.row(), shape.row() * sizeof(float));
  const size_t bytes = attention_scratch_bytes({shape.q_heads, shape.kv_heads, shape.head_dim, (int)segments.size(), context, threads});
  std::vector<uint8_t> memory(bytes + 64);
  void* scratch = (void*)(((uintptr_t)memory.data() + 63) / 64 * 64);
  const AttentionTask task{isa, shape.cache_f32, shape.q_heads, shape.kv_heads, shape.head_dim, shape.stride(),
                           1.0f / std::sqrt((float)shape.head_dim), q.data(), stride, out.data(), stride,
                           (int)sequences.size(), sequences.data(), scratch};
  Pool pool(threads);
  pool.run([&](const Worker& worker) {
    attention_compute(task, worker);
    pool.sync();
    attention_merge(task, worker);
  });
  std::vector<float> packed((size_t)rows * shape.row());
  for (size_t r = 0; r < (size_t)rows; r++) memcpy(&packed[r * shape.row()], &out[r * stride], shape.row() * sizeof(float));
  return packed;
}

inline std::vector<float> random_queries(const AttentionShape& shape, int rows, Rng& rng) {
  std::vector<float> q((size_t)rows * shape.row());
  for (float& x : q) x = 1.5f * rng.gauss();
  return q;
}

}  // namespace triptych::test
