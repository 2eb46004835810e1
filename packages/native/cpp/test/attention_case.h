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

enum class Kind { Key, Value };

// K or V of one sequence. The byte after the last token (of K: its block) is the first of a page that may not be touched, so
// any read beyond the sequence ends the test. What no token owns is NaN.
class CacheTensor {
 public:
  CacheTensor(const AttentionShape& shape, Kind kind, int tokens, Rng& rng) : shape_(shape), kind_(kind) {
    bytes_ = shape.stride() * (size_t)(kind == Kind::Key ? key_block_end(tokens) : tokens);
    if (kind == Kind::Value) bytes_ -= (size_t)shape.padding;
    const size_t page = 4096, body = (bytes_ + page - 1) / page * page;
    mapped_ = body + page;
    map_ = (uint8_t*)mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data_ = map_ + body - bytes_;
    memset(data_, 0xff, bytes_);
    mprotect(map_ + body, page, PROT_NONE);
    for (int t = 0; t < tokens; t++)
      for (int i = 0; i < shape.kv_heads * shape.head_dim; i++) set(t, i, rng.gauss());
  }
  ~CacheTensor() { munmap(map_, mapped_); }
  CacheTensor(const CacheTensor&) = delete;
  CacheTensor& operator=(const CacheTensor&) = delete;
  uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }

  // Element i of [kv_heads][head_dim] of a token, as the cache holds it.
  void set(int token, int i, float x) {
    const uint16_t h = f32_to_f16(x);
    if (shape_.cache_f32) memcpy(at(token, i), &x, 4); else memcpy(at(token, i), &h, 2);
  }
  float get(int token, int i) const {
    float x;
    uint16_t h;
    if (shape_.cache_f32) { memcpy(&x, at(token, i), 4); return x; }
    memcpy(&h, at(token, i), 2);
    return f16_to_f32(h);
  }

 private:
  uint8_t* at(int token, int i) const {
    if (kind_ == Kind::Value) return data_ + (size_t)token * shape_.stride() + (size_t)i * shape_.element();
    return data_ + key_offset(token, shape_.stride(), shape_.element()) + (size_t)(i * kKeyBlock) * shape_.element();
  }
  const AttentionShape shape_;
  const Kind kind_;
  uint8_t *map_, *data_;
  size_t bytes_, mapped_;
};

// K and V of one sequence.
struct Cache {
  CacheTensor k, v;
  Cache(const AttentionShape& shape, int tokens, Rng& rng)
      : k(shape, Kind::Key, tokens, rng), v(shape, Kind::Value, tokens, rng) {}
};

// One query head in float64.
inline std::vector<double> reference_attention(const AttentionShape& s, const float* q, const Cache& cache, int kv_head, int tokens,
                                               double scale) {
  std::vector<double> score((size_t)tokens), out((size_t)s.head_dim);
  double top = -1e300, total = 0;
  for (int t = 0; t < tokens; t++) {
    double dot = 0;
    for (int d = 0; d < s.head_dim; d++) dot += (double)q[d] * cache.k.get(t, kv_head * s.head_dim + d);
    score[(size_t)t] = dot * scale;
    top = std::max(top, score[(size_t)t]);
  }
  for (int t = 0; t < tokens; t++) {
    const double p = std::exp(score[(size_t)t] - top);
    total += p;
    for (int d = 0; d < s.head_dim; d++) out[(size_t)d] += p * cache.v.get(t, kv_head * s.head_dim + d);
  }
  for (double& x : out) x /= total;
  return out;
}

struct Segment {
  const Cache* cache;
  int past;
  int rows;
  const float* q;  // [rows][q_heads * head_dim]
};

// Runs one step over the segments and returns the outputs, [all rows][q_heads * head_dim].
inline std::vector<float> run_attention(const AttentionShape& shape, Isa isa, int threads, const std::vector<Segment>& segments) {
  std::vector<AttentionSequence> sequences;
  int rows = 0, context = 0;
  for (const Segment& s : segments) {
    sequences.push_back({s.cache->k.data(), s.cache->v.data(), s.past, s.rows, rows});
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
