#include "addon/bench/attention_bench.h"

#include <math.h>
#include <string.h>

#include <algorithm>

#include "attention/attention.h"
#include "addon/bench/buffer.h"
#include "core/f16.h"

namespace triptych {

bool bench_attention(const AttentionBench& bench, BenchSamples& out) {
  if (!attention_supported(bench.q_heads, bench.kv_heads, bench.head_dim)) return false;
  const int tokens = bench.past + bench.rows;
  const size_t element = bench.cache_f32 ? 4 : 2;
  const size_t token_stride = size_t(bench.kv_heads) * size_t(bench.head_dim) * element;
  const size_t tensor_bytes = (token_stride * size_t(tokens) + 4095) / 4096 * 4096;
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

  uint32_t state = 1;
  const auto random = [&] {
    state = state * 1664525u + 1013904223u;
    return float(state >> 8) * (2.0f / 16777216.0f) - 1.0f;
  };
  const size_t elements = layer_bytes / element;
  for (size_t i = 0; i < elements; i++) {
    if (bench.cache_f32) cache.as<float>()[i] = random();
    else cache.as<uint16_t>()[i] = f32_to_f16(random());
  }
  for (int layer = 1; layer < layers; layer++)
    memcpy(cache.data() + layer_bytes * size_t(layer), cache.data(), layer_bytes);
  for (size_t i = 0; i < total_rows * row_floats; i++) q.as<float>()[i] = random();

  Pool pool(bench.threads);
  PeakMeter peak(Peak::Fma, bench.isa, pool);
  // Row i sees past + i + 1 tokens; a multiply and an add for q K^T and again for P V, per element.
  const double seen_tokens = double(bench.rows) * bench.past + 0.5 * bench.rows * (bench.rows + 1.0);
  out.ops = 4.0 * seen_tokens * double(row_floats) * bench.sequences;
  out.bytes = 2.0 * double(token_stride) * tokens * bench.sequences;
  std::vector<AttentionSequence> sequences(size_t(bench.sequences));
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
    if (turn < 2) continue;  // first touches
    out.kernel_s.push_back(took_s);
    out.peak_ops.push_back(peak_now);
  }
  return true;
}

}  // namespace triptych
