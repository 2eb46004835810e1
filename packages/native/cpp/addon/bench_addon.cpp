// Benchmarks of single kernels: `bench*` functions that run on the calling thread's pool for a given time. They block
// Node for that long, which is what a benchmark process wants.
#include "addon/areas.h"
#include "addon/bench/attention_bench.h"
#include "addon/bench/buffer.h"
#include "addon/bench/linear_bench.h"
#include "addon/values.h"
#include "attention/attention.h"

namespace triptych {
namespace {

Peak parse_peak(const std::string& name) {
  if (name == "vnni") return Peak::Vnni;
  if (name == "bf16") return Peak::Bf16;
  if (name == "int16-avx2") return Peak::Int16Avx2;
  if (name == "int8-avx2") return Peak::Int8Avx2;
  if (name == "amx") return Peak::Amx;
  if (name == "fma") return Peak::Fma;
  return Peak::None;
}

Napi::Float64Array to_array(Napi::Env env, const std::vector<double>& values) {
  Napi::Float64Array array = Napi::Float64Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) array[i] = values[i];
  return array;
}

Napi::Value to_object(Napi::Env env, const BenchSamples& samples) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("kernelSeconds", to_array(env, samples.kernel_s));
  object.Set("readSeconds", to_array(env, samples.read_s));
  object.Set("peakOps", to_array(env, samples.peak_ops));
  object.Set("otherSeconds", to_array(env, samples.other_s));
  object.Set("bytes", samples.bytes);
  object.Set("ops", samples.ops);
  return object;
}

constexpr double kMaxSeconds = 60;
constexpr int kMaxThreads = 1024;

// The fields every benchmark has; a message in `error` when one is wrong.
struct Common {
  Isa isa = Isa::Portable;
  int threads = 1;
  double seconds = 0;

  Common(Fields& fields, std::string& error) {
    isa = fields.isa("isa");
    threads = fields.integer("threads");
    seconds = fields.number("seconds");
    if (!error.empty()) return;
    if (threads < 1 || threads > kMaxThreads) error = "threads must be from 1 to " + std::to_string(kMaxThreads);
    else if (!(seconds >= 0 && seconds <= kMaxSeconds)) error = "seconds must be from 0 to 60";
  }
};

Napi::Value run_linear(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject()) return throw_type(env, "benchLinear takes an options object");
  const Napi::Object object = info[0].As<Napi::Object>();
  std::string error;
  Fields fields(object, error);
  const Common common(fields, error);
  const int type = fields.integer("ggmlType");
  LinearBench bench{WeightType::F32, common.isa, fields.integer("rows"), fields.integer("n"), fields.integer("k"),
                    common.threads, size_t(fields.size("rotateBytes")), common.seconds, parse_peak(fields.text("peak"))};
  if (!error.empty()) return throw_type(env, error);
  if (!weight_type_supported(type)) return throw_type(env, "ggmlType is not supported");
  bench.type = WeightType(type);
  constexpr int kMaxDim = 1 << 20;
  const bool fits = bench.rows >= 1 && bench.rows <= 65536 && bench.n >= 1 && bench.n <= kMaxDim && bench.k >= 1 &&
                    bench.k <= kMaxDim && bench.k % weight_block(bench.type) == 0;
  if (!fits) return throw_type(env, "rows, n or k is out of range, or k is no multiple of the type's block");
  BenchSamples samples;
  if (!bench_linear(bench, samples)) return throw_type(env, "memory is short for this benchmark");
  return to_object(env, samples);
}

Napi::Value run_attention(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject()) return throw_type(env, "benchAttention takes an options object");
  const Napi::Object object = info[0].As<Napi::Object>();
  std::string error;
  Fields fields(object, error);
  const Common common(fields, error);
  const AttentionBench bench{common.isa,
                             fields.boolean("cacheF32"),
                             fields.integer("queryHeads"),
                             fields.integer("kvHeads"),
                             fields.integer("headDim"),
                             fields.integer("sequences"),
                             fields.integer("rows"),
                             fields.integer("past"),
                             common.threads,
                             fields.integer_or("pagedBlockTokens", 0),
                             size_t(fields.size("rotateBytes")),
                             common.seconds};
  if (!error.empty()) return throw_type(env, error);
  const bool fits = attention_supported(bench.q_heads, bench.kv_heads, bench.head_dim) && bench.sequences >= 1 && bench.sequences <= 4096 && bench.rows >= 1 &&
                    bench.rows <= 65536 && bench.past >= 0 && bench.past <= (1 << 22);
  if (!fits) return throw_type(env, "the shape is not supported or out of range");
  const int block = bench.paged_block_tokens;
  if (block != 0 && (block < 16 || block > 65536 || (block & (block - 1)) != 0))
    return throw_type(env, "pagedBlockTokens must be a power of two from 16 to 65536");
  BenchSamples samples;
  if (!bench_attention(bench, samples)) return throw_type(env, "memory is short for this benchmark");
  return to_object(env, samples);
}

// Rates of plain reading, bytes per second, of sweeps through one large buffer.
Napi::Value run_read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject()) return throw_type(env, "benchRead takes an options object");
  const Napi::Object object = info[0].As<Napi::Object>();
  std::string error;
  Fields fields(object, error);
  const Common common(fields, error);
  const size_t sweep = size_t(fields.size("sweepBytes")) / 65536 * 65536;
  const size_t buffer_bytes = size_t(fields.size("rotateBytes"));
  if (!error.empty()) return throw_type(env, error);
  if (sweep == 0 || buffer_bytes < sweep) return throw_type(env, "sweepBytes must be at least 64 KiB and fit rotateBytes");
  const BenchBuffer buffer(buffer_bytes);
  if (buffer.data() == nullptr) return throw_type(env, "memory is short for this benchmark");
  Pool pool(common.threads);
  std::vector<double> rates;
  const double end_s = bench_now_s() + common.seconds;
  uint64_t seen = 0;
  for (size_t at = 0; rates.size() < 3 || bench_now_s() < end_s; at = at + 2 * sweep > buffer_bytes ? 0 : at + sweep) {
    const double start_s = bench_now_s();
    pool.run([&](const Worker& worker) {
      const uint64_t value = read_sweep(common.isa, buffer.data() + at, sweep, worker);
      __atomic_fetch_or(&seen, value, __ATOMIC_RELAXED);
    });
    rates.push_back(double(sweep) / (bench_now_s() - start_s));
  }
  return to_array(env, rates);
}

// Peak rate of an instruction on all threads at once, operations per second.
Napi::Value run_peak(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject()) return throw_type(env, "benchPeak takes an options object");
  const Napi::Object object = info[0].As<Napi::Object>();
  std::string error;
  Fields fields(object, error);
  const Common common(fields, error);
  const Peak peak = parse_peak(fields.text("peak"));
  if (!error.empty()) return throw_type(env, error);
  if (peak == Peak::None) return throw_type(env, "peak must name an instruction");
  Pool pool(common.threads);
  return Napi::Number::New(env, peak_ops(peak, common.isa, pool));
}

}  // namespace

void register_bench(Napi::Env env, Napi::Object exports) {
  exports.Set("benchLinear", Napi::Function::New(env, run_linear));
  exports.Set("benchAttention", Napi::Function::New(env, run_attention));
  exports.Set("benchRead", Napi::Function::New(env, run_read));
  exports.Set("benchPeak", Napi::Function::New(env, run_peak));
}

}  // namespace triptych
