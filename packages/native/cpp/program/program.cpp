#include "program.h"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/memory.h"

namespace triptych {
namespace {

constexpr size_t kAlign = 64;
// Far above any model, and small enough that no product of two and a few bytes overflows.
constexpr int kMaxRows = 1 << 20, kMaxColumns = 1 << 24, kMaxLayers = 1 << 20;

size_t align_up(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

}  // namespace

Program::Program(std::shared_ptr<Weights> weights, uint8_t* kv, uint64_t kv_bytes, ProgramSpec spec, std::string& error)
    : weights_(std::move(weights)), kv_(kv), kv_bytes_(kv_bytes), spec_(std::move(spec)) {
  error = validate();
  if (!error.empty()) return;
  token_stride_ = (size_t)spec_.kv_heads * spec_.head_dim * (spec_.cache_f32 ? 4 : 2);
  context_ = (int)std::min<uint64_t>(spec_.tensor_bytes / (token_stride_ * kKeyBlock) * kKeyBlock, 1u << 30);
  pool_ = std::make_unique<Pool>(spec_.threads);
  if (pool_->size() < spec_.threads) {
    error = "the system refuses more than " + std::to_string(pool_->size()) + " threads: lower threads";
    return;
  }
  rope_angles_.resize(std::max(1, spec_.rope_dims / 2));
  const float* factors = spec_.rope_factors == kNone ? nullptr : weights_->vector(spec_.rope_factors);
  rope_angles(rope_angles_.data(), spec_.rope_dims, spec_.rope_base, spec_.rope_scale, factors);
  allocate();
  if (!memory_) {
    error = "cannot allocate the program's buffers";
    return;
  }
  std::vector<PackedWeights> matrices;
  for (int i = 0; i < weights_->count(); i++)
    if (const PackedWeights* m = weights_->matrix(i)) matrices.push_back(*m);
  tuning_ = linear_autotune(spec_.isa, *pool_, matrices.data(), (int)matrices.size());
}

Program::~Program() {
  if (memory_) munmap(memory_, memory_bytes_);
}

std::string Program::validate() const {
  const ProgramSpec& s = spec_;
  if (s.threads < 1 || s.threads > 1024) return "threads must be from 1 to 1024";
  if (s.max_tokens < 1 || s.max_sequences < 1 || s.max_outputs < 1) return "maxTokens, maxSequences and maxOutputs must be at least 1";
  if (s.max_tokens > kMaxRows || s.max_sequences > kMaxRows || s.max_outputs > kMaxRows) return "maxTokens, maxSequences and maxOutputs must be at most " + std::to_string(kMaxRows);
  if (!has_isa(s.isa)) return std::string("this processor has no ") + isa_name(s.isa);
  if (s.q_heads > kMaxColumns / kAttentionMaxHeadDim) return "queryHeads is too large";
  if (s.layers < 1 || s.layers > kMaxLayers || !attention_supported(s.q_heads, s.kv_heads, s.head_dim)) return "attention shape is not supported";
  if (s.rope_dims < 0 || s.rope_dims > s.head_dim || s.rope_dims % 2) return "ropeDimensions must be even and at most headDim";
  const uint64_t stride = (uint64_t)s.kv_heads * s.head_dim * (s.cache_f32 ? 4 : 2);
  if (s.tensor_bytes < stride * kKeyBlock) return "tensorBytes holds no block of " + std::to_string(kKeyBlock) + " tokens";
  if (s.tensor_bytes > kv_bytes_ / 2 / s.layers) return "tensorBytes: the arena holds no slot of that size";
  if (s.rope_factors != kNone &&
      (s.rope_factors < 0 || s.rope_factors >= weights_->count() || !weights_->vector(s.rope_factors) || weights_->columns(s.rope_factors) != s.rope_dims / 2))
    return "ropeFactors is not a vector of ropeDimensions / 2";
  for (const BufferSpec& b : s.buffers)
    if (b.columns < 1 || b.columns > kMaxColumns) return "a buffer must have from 1 to " + std::to_string(kMaxColumns) + " columns";
  if (s.logits < 0 || s.logits >= (int)s.buffers.size() || !s.buffers[s.logits].outputs) return "logits is not an output buffer";
  for (size_t i = 0; i < s.ops.size(); i++)
    if (std::string error = validate_op(s.ops[i]); !error.empty()) return "op " + std::to_string(i) + ": " + error;
  return "";
}

std::string Program::validate_op(const Op& op) const {
  const auto& buffers = spec_.buffers;
  const auto is = [&](int i, int columns) { return i >= 0 && i < (int)buffers.size() && (columns == 0 || buffers[i].columns == columns); };
  const auto matrix = [&](int i) { return i >= 0 && i < weights_->count() ? weights_->matrix(i) : nullptr; };
  const auto vector = [&](int i, int k) { return i >= 0 && i < weights_->count() && weights_->vector(i) && weights_->columns(i) == k; };
  const auto same_rows = [&](int a, int b) { return buffers[a].outputs == buffers[b].outputs; };
  // A row for every token of the step.
  const auto tokens = [&](int i, int columns) { return is(i, columns) && !buffers[i].outputs; };
  const int q_width = spec_.q_heads * spec_.head_dim, kv_width = spec_.kv_heads * spec_.head_dim;
  const bool layer_ok = op.layer >= 0 && op.layer < spec_.layers;
  bool ok = is(op.a, 0);
  switch (op.kind) {
    case OpKind::Embed:
      ok = tokens(op.a, 0) && matrix(op.weight[0]) && matrix(op.weight[0])->k == buffers[op.a].columns;
      break;
    case OpKind::RmsNorm:
      ok = ok && is(op.b, buffers[op.a].columns) && same_rows(op.a, op.b) && vector(op.weight[0], buffers[op.a].columns) &&
           (op.c == kNone || (is(op.c, buffers[op.a].columns) && same_rows(op.a, op.c)));
      break;
    case OpKind::Linear:
      ok = ok && op.parts >= 1 && op.parts <= kMaxParts;
      for (int i = 0; ok && i < op.parts; i++) {
        const PackedWeights* w = matrix(op.weight[i]);
        ok = w && w->k == buffers[op.a].columns && is(op.part_out[i], w->n) && same_rows(op.a, op.part_out[i]) &&
             op.part_out[i] != op.a && linear_compatible(w->type, matrix(op.weight[0])->type);
      }
      break;
    case OpKind::AddBias: ok = ok && vector(op.weight[0], buffers[op.a].columns); break;
    case OpKind::RopeStore: ok = layer_ok && tokens(op.a, q_width) && tokens(op.b, kv_width) && tokens(op.c, kv_width); break;
    case OpKind::Attention: ok = layer_ok && tokens(op.a, q_width) && tokens(op.b, q_width) && op.a != op.b; break;
    case OpKind::Gate:
      ok = ok && is(op.b, buffers[op.a].columns) && is(op.c, buffers[op.a].columns) && same_rows(op.a, op.b) && same_rows(op.a, op.c);
      break;
    case OpKind::Add: ok = ok && is(op.b, buffers[op.a].columns) && same_rows(op.a, op.b); break;
    case OpKind::SelectOutputs:
      ok = tokens(op.a, 0) && is(op.b, buffers[op.a].columns) && buffers[op.b].outputs;
      break;
  }
  return ok ? "" : "buffers or weights do not fit";
}

void Program::allocate() {
  size_t linear = 0;
  for (const Op& op : spec_.ops) {
    if (op.kind != OpKind::Linear) continue;
    const PackedWeights& w = *weights_->matrix(op.weight[0]);
    const int rows = spec_.buffers[op.a].outputs ? spec_.max_outputs : spec_.max_tokens;
    linear = std::max(linear, linear_scratch_bytes(w.type, rows, w.k, spec_.threads));
  }
  const size_t attention = attention_scratch_bytes(
      {spec_.q_heads, spec_.kv_heads, spec_.head_dim, spec_.max_sequences, context_, spec_.threads});
  sample_scratch_bytes_ = align_up(sample_scratch_bytes(vocabulary()));
  const size_t rope = (size_t)spec_.max_tokens * std::max(1, spec_.rope_dims) * sizeof(float);

  std::vector<size_t> places;
  size_t total = 0;
  const auto place = [&](size_t bytes) {
    places.push_back(total);
    total += align_up(bytes) + kAlign;
  };
  for (const BufferSpec& b : spec_.buffers)
    place((size_t)(b.outputs ? spec_.max_outputs : spec_.max_tokens) * b.columns * sizeof(float));
  place(linear);
  place(attention);
  place(sample_scratch_bytes_ * spec_.threads);
  place(rope);

  // A buffer's rows cost memory from the first step that has so many rows. Huge pages, because rows of a wide buffer are
  // pages apart: with small ones, writing a column block of many rows misses the TLB each time.
  memory_ = static_cast<uint8_t*>(reserve_memory(total));
  if (!memory_) return;
  memory_bytes_ = total;
  size_t next = 0;
  for (const BufferSpec& b : spec_.buffers) buffers_.push_back({(float*)(memory_ + places[next++]), b.columns, b.outputs});
  linear_scratch_ = memory_ + places[next++];
  attention_scratch_ = memory_ + places[next++];
  sample_scratch_ = memory_ + places[next++];
  rope_table_ = (float*)(memory_ + places[next++]);
}

std::string Program::check(const Step& step) const {
  const int rows = (int)step.tokens.size(), outputs = (int)step.outputs.size();
  if (rows < 1 || rows > spec_.max_tokens) return "tokens: from 1 to " + std::to_string(spec_.max_tokens) + " rows, got " + std::to_string(rows);
  if ((int)step.sequences.size() > spec_.max_sequences) return "sequences: too many";
  if (outputs > spec_.max_outputs) return "outputs: too many";
  int vocabulary_in = 1 << 30;
  for (const Op& op : spec_.ops)
    if (op.kind == OpKind::Embed) vocabulary_in = std::min(vocabulary_in, weights_->matrix(op.weight[0])->n);
  for (int32_t token : step.tokens)
    if (token < 0 || token >= vocabulary_in) return "tokens: id " + std::to_string(token) + " is outside the vocabulary";
  const uint64_t slot_bytes = 2ull * spec_.layers * spec_.tensor_bytes;
  int64_t sum = 0;
  for (const StepSequence& s : step.sequences) {
    if (s.rows < 1 || s.past < 0 || (int64_t)s.past + s.rows > context_) return "sequences: past and rows exceed the slot";
    if (s.slot_offset > kv_bytes_ || slot_bytes > kv_bytes_ - s.slot_offset) return "sequences: the slot lies outside the arena";
    sum += s.rows;
  }
  if (sum != rows) return "sequences: rows do not add up to the tokens";
  for (int i = 0; i < outputs; i++)
    if (step.outputs[i] < (i ? step.outputs[i - 1] + 1 : 0) || step.outputs[i] >= rows) return "outputs: rows must ascend within the tokens";
  if ((int)step.sampling.size() != outputs) return "sampling: one entry per output";
  int64_t history = 0;
  for (const StepSampling& s : step.sampling) {
    if (s.recent < 0 || s.generated < 0) return "sampling: negative count";
    history += (int64_t)s.recent + s.generated;
  }
  if (history != (int64_t)step.history.size()) return "history: counts do not add up";
  return "";
}

void Program::prepare(const Step& step) {
  const int sequences = (int)step.sequences.size();
  positions_.clear();
  key_address_.clear();
  value_address_.clear();
  attention_.clear();
  for (const StepSequence& s : step.sequences)
    for (int i = 0; i < s.rows; i++) {
      positions_.push_back(s.past + i);
      key_address_.push_back(kv_ + s.slot_offset + key_offset(s.past + i, token_stride_, spec_.cache_f32 ? 4 : 2));
      value_address_.push_back(kv_ + s.slot_offset + (uint64_t)(s.past + i) * token_stride_);
    }
  attention_.reserve((size_t)spec_.layers * sequences);
  for (int layer = 0; layer < spec_.layers; layer++) {
    int row = 0;
    for (const StepSequence& s : step.sequences) {
      const uint8_t* k = kv_ + s.slot_offset + 2ull * layer * spec_.tensor_bytes;
      attention_.push_back({k, k + spec_.tensor_bytes, s.past, s.rows, row});
      row += s.rows;
    }
  }
  history_start_.clear();
  int at = 0;
  for (const StepSampling& s : step.sampling) {
    history_start_.push_back(at);
    at += s.recent + s.generated;
  }
}

void Program::run(const Step& step, std::vector<SampleResult>& results) {
  prepare(step);
  results.assign(step.outputs.size(), SampleResult{});
  pool_->run([&](const Worker& worker) { walk(step, results, worker); });
}

void Program::walk(const Step& step, std::vector<SampleResult>& results, const Worker& worker) {
  rope_table(rope_table_, rope_angles_.data(), spec_.rope_dims, positions_.data(), (int)positions_.size(), worker);
  pool_->sync();
  for (const Op& op : spec_.ops) run_op(op, step, worker);
  sample_rows(step, results, worker);
}

void Program::run_op(const Op& op, const Step& step, const Worker& worker) {
  const Buffer& a = buffers_[op.a];
  const int rows = rows_of(op.a, step);
  if (rows == 0 || (op.kind == OpKind::SelectOutputs && step.outputs.empty())) return;
  switch (op.kind) {
    case OpKind::Embed: {
      const PackedWeights& w = *weights_->matrix(op.weight[0]);
      for (int r; (r = worker.take(1)) < rows;) unpack_row(w, step.tokens[r], a.data + (size_t)r * a.columns);
      break;
    }
    case OpKind::RmsNorm: {
      const Buffer& out = buffers_[op.b];
      const float* add = op.c == kNone ? nullptr : buffers_[op.c].data;
      rms_norm({spec_.isa, rows, a.columns, a.data, (size_t)a.columns, add, (size_t)a.columns,
                weights_->vector(op.weight[0]), spec_.rms_epsilon, out.data, (size_t)out.columns}, worker);
      break;
    }
    case OpKind::Linear: run_linear(op, rows, worker); break;
    case OpKind::AddBias:
      add_rows({spec_.isa, rows, a.columns, a.data, (size_t)a.columns, weights_->vector(op.weight[0]), 0}, worker);
      break;
    case OpKind::RopeStore: {
      const Buffer &k = buffers_[op.b], &v = buffers_[op.c];
      const size_t k_offset = 2ull * op.layer * spec_.tensor_bytes;
      rope_store({spec_.isa, spec_.cache_f32, spec_.rope_style, rows, spec_.q_heads, spec_.kv_heads, spec_.head_dim,
                  spec_.rope_dims, rope_table_, a.data, (size_t)a.columns, k.data, (size_t)k.columns, v.data,
                  (size_t)v.columns, key_address_.data(), value_address_.data(), k_offset, k_offset + spec_.tensor_bytes}, worker);
      break;
    }
    case OpKind::Attention: {
      const Buffer& out = buffers_[op.b];
      const int sequences = (int)step.sequences.size();
      const AttentionTask task{spec_.isa, spec_.cache_f32, spec_.q_heads, spec_.kv_heads, spec_.head_dim, token_stride_,
                               1.0f / std::sqrt((float)spec_.head_dim), a.data, (size_t)a.columns, out.data,
                               (size_t)out.columns, sequences, attention_.data() + (size_t)op.layer * sequences, attention_scratch_};
      attention_compute(task, worker);
      pool_->sync();
      attention_merge(task, worker);
      break;
    }
    case OpKind::Gate: {
      const Buffer &up = buffers_[op.b], &out = buffers_[op.c];
      gate_mul({spec_.isa, op.gate, rows, a.columns, a.data, (size_t)a.columns, up.data, (size_t)up.columns, out.data,
                (size_t)out.columns}, worker);
      break;
    }
    case OpKind::Add:
      add_rows({spec_.isa, rows, a.columns, a.data, (size_t)a.columns, buffers_[op.b].data, (size_t)a.columns}, worker);
      break;
    case OpKind::SelectOutputs: {
      const Buffer& out = buffers_[op.b];
      const int count = (int)step.outputs.size();
      for (int i; (i = worker.take(1)) < count;)
        std::memcpy(out.data + (size_t)i * a.columns, a.data + (size_t)step.outputs[i] * a.columns, (size_t)a.columns * sizeof(float));
      break;
    }
  }
  pool_->sync();
}

void Program::run_linear(const Op& op, int rows, const Worker& worker) {
  const Buffer& x = buffers_[op.a];
  LinearTask task{};
  task.isa = spec_.isa;
  task.x = x.data;
  task.x_stride = (size_t)x.columns;
  task.rows = rows;
  task.parts = op.parts;
  for (int i = 0; i < op.parts; i++) {
    task.weights[i] = weights_->matrix(op.weight[i]);
    task.y[i] = buffers_[op.part_out[i]].data;
    task.y_stride[i] = (size_t)buffers_[op.part_out[i]].columns;
  }
  task.scratch = linear_scratch_;
  task.tuning = &tuning_;
  linear_prepare(task, worker);
  pool_->sync();
  linear_compute(task, worker);
}

void Program::sample_rows(const Step& step, std::vector<SampleResult>& results, const Worker& worker) {
  const int count = (int)step.outputs.size();
  void* scratch = sample_scratch_ + (size_t)worker.index * sample_scratch_bytes_;
  for (int i; (i = worker.take(1)) < count;) {
    const StepSampling& s = step.sampling[i];
    const int32_t* history = step.history.data() + history_start_[i];
    results[i] = sample(spec_.isa, logits() + (size_t)i * vocabulary(), vocabulary(), s.params, history, s.recent,
                        history + s.recent, s.generated, s.position, scratch);
  }
}

}  // namespace triptych
