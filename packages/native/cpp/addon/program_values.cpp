#include "addon/program_values.h"

#include <cmath>

#include "addon/values.h"

namespace triptych {
namespace {

Op parse_op(const Napi::Object& object, std::string& error) {
  Fields f(object, error);
  Op op{};
  const std::string name = f.text("op");
  if (name == "embed") {
    op.kind = OpKind::Embed;
    op.a = f.integer("out");
    op.weight[0] = f.integer("weight");
  } else if (name == "rmsNorm") {
    op.kind = OpKind::RmsNorm;
    op.a = f.integer("x");
    op.b = f.integer("out");
    op.c = f.integer_or("add", kNone);
    op.weight[0] = f.integer("weight");
  } else if (name == "linear") {
    op.kind = OpKind::Linear;
    op.a = f.integer("x");
    for (const Napi::Object& part : f.objects("parts")) {
      if (op.parts == kMaxParts) { error = "parts: at most 4"; break; }
      Fields p(part, error);
      op.weight[op.parts] = p.integer("weight");
      op.part_out[op.parts++] = p.integer("out");
    }
  } else if (name == "addBias") {
    op.kind = OpKind::AddBias;
    op.a = f.integer("x");
    op.weight[0] = f.integer("bias");
  } else if (name == "ropeStore") {
    op.kind = OpKind::RopeStore;
    op.a = f.integer("q");
    op.b = f.integer("k");
    op.c = f.integer("v");
    op.layer = f.integer("layer");
  } else if (name == "attention") {
    op.kind = OpKind::Attention;
    op.a = f.integer("q");
    op.b = f.integer("out");
    op.layer = f.integer("layer");
  } else if (name == "gate") {
    op.kind = OpKind::Gate;
    op.a = f.integer("gate");
    op.b = f.integer("up");
    op.c = f.integer("out");
    op.gate = f.choice("activation", {"silu", "gelu"}) == 1 ? Gate::Gelu : Gate::Silu;
  } else if (name == "add") {
    op.kind = OpKind::Add;
    op.a = f.integer("x");
    op.b = f.integer("y");
  } else if (name == "selectOutputs") {
    op.kind = OpKind::SelectOutputs;
    op.a = f.integer("x");
    op.b = f.integer("out");
  } else if (error.empty()) {
    error = "unknown op '" + name + "'";
  }
  return op;
}

}  // namespace

ProgramSpec parse_spec(const Napi::Object& object, std::string& error) {
  Fields f(object, error);
  ProgramSpec spec;
  for (const Napi::Object& buffer : f.objects("buffers")) {
    Fields b(buffer, error);
    spec.buffers.push_back({b.integer("columns"), b.choice("rows", {"tokens", "outputs"}) == 1});
  }
  for (const Napi::Object& op : f.objects("ops")) spec.ops.push_back(parse_op(op, error));
  spec.logits = f.integer("logits");
  spec.rms_epsilon = (float)f.number("rmsEpsilon");
  spec.max_tokens = f.integer("maxTokens");
  spec.max_sequences = f.integer("maxSequences");
  spec.max_outputs = f.integer("maxOutputs");
  spec.threads = f.integer("threads");
  spec.isa = f.isa("isa");
  const Napi::Value attention_value = object.Get("attention");
  if (!attention_value.IsObject()) {
    if (error.empty()) error = "attention must be an object";
    return spec;
  }
  const Napi::Object attention = attention_value.As<Napi::Object>();
  Fields a(attention, error);
  spec.layers = a.integer("layers");
  spec.q_heads = a.integer("queryHeads");
  spec.kv_heads = a.integer("kvHeads");
  spec.head_dim = a.integer("headDim");
  const int element_bytes = a.integer("elementBytes");
  if (element_bytes != 2 && element_bytes != 4 && error.empty()) error = "elementBytes must be 2 or 4";
  spec.cache_f32 = element_bytes == 4;
  spec.tensor_bytes = a.size("tensorBytes");
  spec.rope_dims = a.integer("ropeDimensions");
  spec.rope_style = a.choice("ropeStyle", {"norm", "neox"}) == 1 ? RopeStyle::Neox : RopeStyle::Norm;
  spec.rope_base = a.number("ropeFrequencyBase");
  spec.rope_scale = a.number("ropeFrequencyScale");
  spec.rope_factors = a.integer_or("ropeFactors", kNone);
  return spec;
}

Step parse_step(const Napi::Object& batch, std::string& error) {
  Fields f(batch, error);
  Step step;
  step.tokens = f.numbers<int32_t>("tokens", napi_int32_array);
  step.outputs = f.numbers<int32_t>("outputs", napi_int32_array);
  step.history = f.numbers<int32_t>("history", napi_int32_array);
  const std::vector<double> sequences = f.numbers<double>("sequences", napi_float64_array);
  const std::vector<double> sampling = f.numbers<double>("sampling", napi_float64_array);
  constexpr size_t kSequenceFields = 3, kSamplingFields = 11;
  if (error.empty() && sequences.size() % kSequenceFields) error = "sequences must have 3 numbers each";
  if (error.empty() && sampling.size() != step.outputs.size() * kSamplingFields) error = "sampling must have 11 numbers per output";
  const auto whole = [&](double d, double max) {
    if (!(d >= 0 && d <= max) || d != std::floor(d)) {
      if (error.empty()) error = "a count, offset or seed is not a whole number in range";
      return 0.0;
    }
    return d;
  };
  if (!error.empty()) return step;
  for (size_t i = 0; i < sequences.size(); i += kSequenceFields)
    step.sequences.push_back({(uint64_t)whole(sequences[i], 9007199254740992.0), (int)whole(sequences[i + 1], 2147483647.0),
                              (int)whole(sequences[i + 2], 2147483647.0)});
  for (size_t i = 0; i < sampling.size(); i += kSamplingFields) {
    const double* s = &sampling[i];
    StepSampling out;
    out.params = {(float)s[0], (int)whole(s[1], 2147483647.0), (float)s[2], (float)s[3], (float)s[4], (float)s[5], (float)s[6],
                  (uint64_t)whole(s[7], 9007199254740992.0)};
    out.position = (uint64_t)whole(s[8], 9007199254740992.0);
    out.recent = (int)whole(s[9], 2147483647.0);
    out.generated = (int)whole(s[10], 2147483647.0);
    step.sampling.push_back(out);
  }
  return step;
}

}  // namespace triptych
