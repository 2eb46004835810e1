// A model as a flat tape of operations over preallocated buffers (architecture, decision 2).
//
// The tape is built once by the caller; a step runs it over some rows of tokens of some sequences. Only the
// leading dimension varies. Every worker walks the tape; barriers separate the phases of its operations.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attention/attention.h"
#include "core/isa.h"
#include "core/pool.h"
#include "linear/linear.h"
#include "ops/ops.h"
#include "program/weights.h"
#include "sampling/sampling.h"

namespace triptych {

enum class OpKind : uint8_t { Embed, RmsNorm, Linear, AddBias, RopeStore, Attention, Gate, Add, SelectOutputs };

constexpr int kNone = -1;
constexpr int kMaxParts = 4;

// Fields by kind (buffers and weights by index):
//   Embed          a = out, weight[0]
//   RmsNorm        a = x, b = out, c = addend or kNone, weight[0]
//   Linear         a = x, part_out[i], weight[i], parts
//   AddBias        a = x, weight[0]
//   RopeStore      a = q, b = k, c = v, layer
//   Attention      a = q, b = out, layer
//   Gate           a = gate, b = up, c = out, gate
//   Add            a = x, b = y
//   SelectOutputs  a = x, b = out
struct Op {
  OpKind kind;
  int a = kNone, b = kNone, c = kNone;
  int layer = 0;
  Gate gate = Gate::Silu;
  int parts = 0;
  int weight[kMaxParts] = {kNone, kNone, kNone, kNone};
  int part_out[kMaxParts] = {kNone, kNone, kNone, kNone};
};

struct BufferSpec {
  int columns;
  bool outputs;  // rows are the step's outputs, else its tokens
};

struct ProgramSpec {
  std::vector<BufferSpec> buffers;
  std::vector<Op> ops;
  int logits = 0;
  int layers = 0, q_heads = 0, kv_heads = 0, head_dim = 0;
  bool cache_f32 = false;
  uint64_t tensor_bytes = 0;  // one slot's K (or V) of one layer
  int rope_dims = 0;
  RopeStyle rope_style = RopeStyle::Norm;
  double rope_base = 10000, rope_scale = 1;
  int rope_factors = kNone;   // weight index
  float rms_epsilon = 1e-5f;
  int max_tokens = 0, max_sequences = 0, max_outputs = 0;
  int threads = 1;
  Isa isa = Isa::Portable;
};

struct StepSequence {
  uint64_t slot_offset;  // bytes from the arena's base
  int past;              // tokens already in the cache
  int rows;              // tokens of this step
};

struct StepSampling {
  SamplingParams params;
  uint64_t position = 0;
  int recent = 0, generated = 0;  // counts; their ids follow each other in Step::history
};

struct Step {
  std::vector<int32_t> tokens;
  std::vector<StepSequence> sequences;
  std::vector<int32_t> outputs;
  std::vector<StepSampling> sampling;  // per output
  std::vector<int32_t> history;
};

class Program {
 public:
  // Checks that the tape fits the weights; on failure `error` names what does not and the program must not be used.
  Program(std::shared_ptr<Weights> weights, uint8_t* kv, uint64_t kv_bytes, ProgramSpec spec, std::string& error);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // "" or what is wrong with the step: every index and address is checked here, once, before anything runs.
  std::string check(const Step& step) const;

  // Runs a checked step on the calling thread and the pool. results: one per output.
  void run(const Step& step, std::vector<SampleResult>& results);

  // Logits of the last step, [outputs, vocabulary].
  const float* logits() const { return buffers_[spec_.logits].data; }
  int vocabulary() const { return spec_.buffers[spec_.logits].columns; }
  const ProgramSpec& spec() const { return spec_; }

 private:
  struct Buffer {
    float* data = nullptr;
    int columns = 0;
    bool outputs = false;
  };

  std::string validate() const;
  std::string validate_op(const Op& op) const;
  void allocate();
  void prepare(const Step& step);
  void walk(const Step& step, std::vector<SampleResult>& results, const Worker& worker);
  void run_op(const Op& op, const Step& step, const Worker& worker);
  void run_linear(const Op& op, int rows, const Worker& worker);
  void sample_rows(const Step& step, std::vector<SampleResult>& results, const Worker& worker);
  int rows_of(int buffer, const Step& step) const {
    return (int)(buffers_[buffer].outputs ? step.outputs.size() : step.tokens.size());
  }

  std::shared_ptr<Weights> weights_;
  uint8_t* kv_;
  uint64_t kv_bytes_;
  ProgramSpec spec_;
  size_t token_stride_ = 0;  // bytes of a token in each tensor of the cache
  int context_ = 0;          // tokens a slot holds
  std::unique_ptr<Pool> pool_;
  LinearTuning tuning_{};

  uint8_t* memory_ = nullptr;  // all buffers and scratch, one mapping
  size_t memory_bytes_ = 0;
  std::vector<Buffer> buffers_;
  float* rope_table_ = nullptr;            // [max_tokens][rope_dims]
  void* linear_scratch_ = nullptr;
  void* attention_scratch_ = nullptr;
  uint8_t* sample_scratch_ = nullptr;      // one piece per thread
  size_t sample_scratch_bytes_ = 0;
  std::vector<double> rope_angles_;

  // Of the running step.
  std::vector<int32_t> positions_;                // [tokens]
  std::vector<uint8_t*> key_address_;             // [tokens], as if the slot's first tensor held keys
  std::vector<uint8_t*> value_address_;           // [tokens], as if it held values
  std::vector<AttentionSequence> attention_;      // [layers][sequences]
  std::vector<int32_t> history_start_;            // [outputs]
};

}  // namespace triptych
