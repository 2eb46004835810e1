#include "addon/bench/attention_bench.h"

#include <math.h>
#include <string.h>

#include <algorithm>
#include <optional>

#include "attention/attention.h"
#include "attention/paged_attention.h"
#include "addon/bench/buffer.h"
#include "core/f16.h"

namespace triptych {
namespace {

struct Random {
  uint32_t state = 1;
  uint32_t next() { return state = state * 1664525u + 1013904223u; }
  float signed_unit() { return float(next() >> 8) * (2.0f / 16777216.0f) - 1.0f; }
  int below(int count) { return int((uint64_t(next()) * uint64_t(count)) >> 32); }
};

// The caches of `layers` layers cut into blocks; each layer's blocks lie in random order, as after some serving.
class PagedCopy {
 public:
  PagedCopy(const AttentionBench& bench, size_t token_stride, int layers)
      : block_tokens_(bench.paged_block_tokens),
        blocks_per_sequence_((bench.past + bench.rows + block_tokens_ - 1) / block_tokens_),
        block_bytes_(2 * token_stride * size_t(block_tokens_)),
        sequences_(bench.sequences),
        pool_(block_bytes_ * size_t(blocks_per_layer()) * size_t(layers)),
        table_(size_t(blocks_per_layer())) {
    Random random;
    for (int b = 0; b < blocks_per_layer(); b++) table_[size_t(b)] = b;
    for (int b = blocks_per_layer() - 1; b > 0; b--) std::swap(table_[size_t(b)], table_[size_t(random.below(b + 1))]);
  }
  bool has_memory() const { return pool_.data() != nullptr; }

  // Fills a layer from the contiguous cache: K of sequence s at s * 2 * tensor_bytes, V one tensor later.
  void fill(int layer, const uint8_t* contiguous, size_t tensor_bytes, size_t used_bytes) {
    for (int s = 0; s < sequences_; s++)
      for (int tensor = 0; tensor < 2; tensor++)
        for (int b = 0; b < blocks_per_sequence_; b++) {
          const size_t half = block_bytes_ / 2, from = size_t(b) * half;
          const uint8_t* source = contiguous + (2 * size_t(s) + size_t(tensor)) * tensor_bytes + from;
          const size_t block = size_t(table_[size_t(s * blocks_per_sequence_ + b)]);
          memcpy(layer_data(layer) + block * block_bytes_ + size_t(tensor) * half, source,
                 std::min(half, used_bytes - from));
        }
  }
  PagedCache cache(int layer, int sequence) {
    return PagedCache{layer_data(layer), &table_[size_t(sequence * blocks_per_sequence_)], block_tokens_};
  }

 private:
  int blocks_per_layer() const { return blocks_per_sequence_ * sequences_; }
  uint8_t* layer_data(int layer) const {
    return pool_.data() + size_t(layer) * size_t(blocks_per_layer()) * block_bytes_;
  }
  int block_tokens_;
  int blocks_per_sequence_;
  size_t block_bytes_;
  int sequences_;
  BenchBuffer pool_;
  std::vector<int32_t> table_;
};

}  // namespace

bool bench_attention(const AttentionBench& bench, BenchSamples& out) {
  if (!attention_supported(bench.q_heads, bench.kv_heads, bench.head_dim)) return false;
  const int tokens = bench.past + bench.rows;
  const size_t element = bench.cache_f32 ? 4 : 2;
  const size_t token_stride = size_t(bench.kv_heads) * size_t(bench.head_dim) * element;
  const size_t used_bytes = token_stride * size_t(key_block_end(tokens));
  const size_t tensor_bytes = (used_bytes + 4095) / 4096 * 4096;
  const size_t layer_bytes = 2 * tensor_bytes * size_t(bench.sequences);
  const int layers = int(std::max<size_t>(1, bench.rotate_bytes / layer_bytes));
  const size_t total_rows = size_t(bench.sequences) * size_t(bench.rows);
  const size_t row_floats = size_t(bench.q_heads) * size_t(bench.head_dim);
  const AttentionLimits limits{bench.q_heads,  bench.kv_heads, bench.head_dim,
                               bench.sequences, tokens,        bench.threads};
  const BenchBuffer cache(layer_bytes * size_t(layers));
  const BenchBuffer q(sizeof(float) * total_rows * row_floats);
  const BenchBuffer result(sizeof(float) * total_rows * row_floats);
  const BenchBuffer scratch(attention_scratch_bytes(limits));
  if (cache.data() == nullptr || q.data() == nullptr || result.data() == nullptr || scratch.data() == nullptr)
    return false;

  Random random;
  const size_t elements = layer_bytes / element;
  for (size_t i = 0; i < elements; i++) {
    if (bench.cache_f32) cache.as<float>()[i] = random.signed_unit();
    else cache.as<uint16_t>()[i] = f32_to_f16(random.signed_unit());
  }
  for (int layer = 1; layer < layers; layer++)
    memcpy(cache.data() + layer_bytes * size_t(layer), cache.data(), layer_bytes);
  for (size_t i = 0; i < total_rows * row_floats; i++) q.as<float>()[i] = random.signed_unit();

  const bool is_paged = bench.paged_block_tokens > 0;
  std::optional<PagedCopy> paged;
  if (is_paged) {
    paged.emplace(bench, token_stride, layers);
    if (!paged->has_memory()) return false;
    for (int layer = 0; layer < layers; layer++)
      paged->fill(layer, cache.data() + layer_bytes * size_t(layer), tensor_bytes, used_bytes);
  }
  std::vector<PagedCache> paged_caches(size_t(bench.sequences));

  Pool pool(bench.threads);
  PeakMeter peak(Peak::Fma, bench.isa, pool);
  // Row i sees past + i + 1 tokens; a multiply and an add for q K^T and again for P V, per element.
  const double seen_tokens = double(bench.rows) * bench.past + 0.5 * bench.rows * (bench.rows + 1.0);
  out.ops = 4.0 * seen_tokens * double(row_floats) * bench.sequences;
  out.bytes = 2.0 * double(token_stride) * tokens * bench.sequences;
  std::vector<AttentionSequence> sequences(size_t(bench.sequences));
  uint64_t seen = 0;
  const double end_s = bench_now_s() + bench.seconds;
  for (int turn = 0; turn < 5 || bench_now_s() < end_s; turn++) {
    const uint8_t* layer = cache.data() + layer_bytes * size_t(turn % layers);
    for (int s = 0; s < bench.sequences; s++) {
      const uint8_t* k = layer + 2 * tensor_bytes * size_t(s);
      sequences[size_t(s)] = AttentionSequence{k, k + tensor_bytes, bench.past, bench.rows, s * bench.rows};
    }
    AttentionTask task{};
    task.isa = bench.isa;
    task.cache_f32 = bench.cache_f32;
    task.q_heads = bench.q_heads;
    task.kv_heads = bench.kv_heads;
    task.head_dim = bench.head_dim;
    task.token_stride = token_stride;
    task.scale = 1.0f / sqrtf(float(bench.head_dim));
    task.q = q.as<float>();
    task.q_stride = row_floats;
    task.out = result.as<float>();
    task.out_stride = row_floats;
    task.sequences = bench.sequences;
    task.sequence = sequences.data();
    task.scratch = scratch.data();
    const double peak_now = peak.current();
    const double start_s = bench_now_s();
    pool.run([&](const Worker& worker) {
      attention_compute(task, worker);
      pool.sync();
      attention_merge(task, worker);
    });
    const double took_s = bench_now_s() - start_s;
    const uint8_t* other = cache.data() + layer_bytes * size_t((turn + layers / 2) % layers);
    const size_t read_bytes = size_t(out.bytes) / 1024 * 1024;
    const double read_start_s = bench_now_s();
    pool.run([&](const Worker& worker) {
      const uint64_t value = read_sweep(bench.isa, other, read_bytes, worker);
      __atomic_fetch_or(&seen, value, __ATOMIC_RELAXED);
    });
    const double read_s = bench_now_s() - read_start_s;
    double paged_s = 0;
    if (is_paged) {
      for (int s = 0; s < bench.sequences; s++) paged_caches[size_t(s)] = paged->cache(turn % layers, s);
      const double paged_start_s = bench_now_s();
      pool.run([&](const Worker& worker) {
        paged_attention_compute(task, paged_caches.data(), worker);
        pool.sync();
        paged_attention_merge(task, paged_caches.data(), worker);
      });
      paged_s = bench_now_s() - paged_start_s;
    }
    if (turn < 2) continue;  // first touches
    out.kernel_s.push_back(took_s);
    out.read_s.push_back(read_s);
    if (is_paged) out.other_s.push_back(paged_s);
    out.peak_ops.push_back(peak_now);
  }
  return seen != 0;
}

}  // namespace triptych
