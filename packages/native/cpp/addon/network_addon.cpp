// JavaScript side of networks (typed in src/network.ts). Runs on the calling thread, which is a worker thread's.
#include <napi.h>

#include <memory>

#include "addon/areas.h"
#include "addon/values.h"
#include "network/network.h"

namespace triptych {
namespace {

constexpr napi_type_tag kNetworkTag = {0x5472697074796368ull, 0x4e6574776f726b00ull};
constexpr int kMaxThreads = 1024;

struct Handle { std::unique_ptr<Network> network; };
using NetworkExternal = Napi::External<Handle>;

Handle* handle_of(Napi::Value value) {
  if (!value.IsExternal() || !value.As<NetworkExternal>().CheckTypeTag(&kNetworkTag)) return nullptr;
  return value.As<NetworkExternal>().Data();
}

// [offset, rows, columns, stride]
bool read_matrix(const Napi::Object& op, const char* name, Matrix& m, std::string& error) {
  const Napi::Value value = op.Get(name);
  if (value.IsUndefined()) return false;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      value.As<Napi::TypedArray>().ElementLength() != 4) {
    if (error.empty()) error = std::string(name) + " must be a Float64Array of 4";
    return false;
  }
  const double* d = value.As<Napi::Float64Array>().Data();
  for (int i = 0; i < 4; i++) {
    const double most = i == 0 ? 9007199254740992.0 : 2147483647.0;
    if (!(d[i] >= 0 && d[i] <= most) || d[i] != std::floor(d[i])) {
      if (error.empty()) error = std::string(name) + " must hold whole numbers";
      return false;
    }
  }
  m = {(uint64_t)d[0], (int)d[1], (int)d[2], (int)d[3]};
  return true;
}

NetworkOp read_op(const Napi::Object& object, std::string& error) {
  NetworkOp op;
  Fields f(object, error);
  op.kind = (NetworkOpKind)f.choice("op", {"input", "output", "product", "groupNorm", "layerNorm", "activate", "geglu", "add",
                                           "outer", "copy", "attention"});
  read_matrix(object, "x", op.x, error);
  read_matrix(object, "y", op.y, error);
  read_matrix(object, "values", op.values, error);
  read_matrix(object, "out", op.out, error);
  op.has_shift = read_matrix(object, "shift", op.shift, error);
  op.has_residual = read_matrix(object, "residual", op.residual, error);
  op.weight = f.integer_or("weight", -1);
  op.bias = f.integer_or("bias", -1);
  op.batch = f.integer_or("batch", 1);
  op.groups = f.integer_or("groups", 1);
  op.heads = f.integer_or("heads", 1);
  op.index = f.integer_or("index", 0);
  if (f.has("epsilon")) op.epsilon = (float)f.number("epsilon");
  if (f.has("factor")) op.factor = (float)f.number("factor");
  if (f.has("activation")) op.activation = (Activation)f.choice("activation", {"none", "swish", "gelu", "cos", "sin"});
  if (f.has("byTokens")) op.by_tokens = f.boolean("byTokens");
  if (f.has("window")) {
    op.is_convolution = true;
    const std::vector<int32_t> w = f.numbers<int32_t>("window", napi_int32_array);
    if (w.size() == 11) op.window = {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10]};
    else if (error.empty()) error = "window must hold 11 numbers";
  }
  return op;
}

NetworkSpec read_spec(const Napi::Object& object, std::string& error) {
  NetworkSpec spec;
  Fields f(object, error);
  for (const Napi::Object& file : f.objects("files")) spec.files.push_back(Fields(file, error).text("path"));
  for (const Napi::Object& item : f.objects("tensors")) {
    Fields t(item, error);
    spec.tensors.push_back({t.integer("file"), t.size("offset"), (WeightType)t.integer("ggmlType"), t.integer("rows"), t.integer("k")});
  }
  for (const Napi::Object& item : f.objects("constants")) spec.constants.push_back(Fields(item, error).numbers<float>("values", napi_float32_array));
  for (const Napi::Object& item : f.objects("ops")) {
    std::string problem;
    spec.ops.push_back(read_op(item, problem));
    if (!problem.empty() && error.empty()) error = "ops[" + std::to_string(spec.ops.size() - 1) + "]." + problem;
  }
  for (double size : f.numbers<double>("inputSizes", napi_float64_array)) spec.input_sizes.push_back((uint64_t)size);
  for (double size : f.numbers<double>("outputSizes", napi_float64_array)) spec.output_sizes.push_back((uint64_t)size);
  spec.arena_floats = f.size("arenaFloats");
  spec.threads = f.integer("threads");
  spec.isa = f.isa("isa");
  if (error.empty() && (spec.threads < 1 || spec.threads > kMaxThreads)) error = "threads must be between 1 and 1024";
  if (error.empty() && spec.arena_floats > ((uint64_t)1 << 40)) error = "arenaFloats is too large";
  return spec;
}

Napi::Value create_network(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsObject()) return throw_type(env, "spec must be an object");
  std::string error;
  NetworkSpec spec = read_spec(info[0].As<Napi::Object>(), error);
  if (!error.empty()) return throw_type(env, error);
  auto handle = std::make_unique<Handle>();
  error = Network::create(std::move(spec), handle->network);
  if (!error.empty()) return throw_type(env, error);
  NetworkExternal external = NetworkExternal::New(env, handle.release(), [](Napi::Env, Handle* h) { delete h; });
  external.TypeTag(&kNetworkTag);
  return external;
}

// Float arrays of an argument, of the given sizes; false when they are not that.
bool read_arrays(Napi::Value value, const std::vector<uint64_t>& sizes, std::vector<float*>& out) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != sizes.size()) return false;
  for (uint32_t i = 0; i < sizes.size(); i++) {
    const Napi::Value item = value.As<Napi::Array>().Get(i);
    if (!item.IsTypedArray() || item.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) return false;
    auto array = item.As<Napi::Float32Array>();
    if (array.ElementLength() != sizes[i]) return false;
    out.push_back(array.Data());
  }
  return true;
}

Napi::Value run_network(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Handle* handle = handle_of(info[0]);
  if (!handle || !handle->network) return throw_type(env, "the network is closed");
  std::vector<float*> inputs, outputs;
  const NetworkSpec& spec = handle->network->spec();
  if (!read_arrays(info[1], spec.input_sizes, inputs)) return throw_type(env, "inputs must be Float32Arrays of the network's sizes");
  if (!read_arrays(info[2], spec.output_sizes, outputs)) return throw_type(env, "outputs must be Float32Arrays of the network's sizes");
  handle->network->run(std::vector<const float*>(inputs.begin(), inputs.end()), outputs);
  return env.Undefined();
}

Napi::Value close_network(const Napi::CallbackInfo& info) {
  if (Handle* handle = handle_of(info[0])) handle->network.reset();
  return info.Env().Undefined();
}

}  // namespace

void register_network(Napi::Env env, Napi::Object exports) {
  exports.Set("createNetwork", Napi::Function::New(env, create_network));
  exports.Set("runNetwork", Napi::Function::New(env, run_network));
  exports.Set("closeNetwork", Napi::Function::New(env, close_network));
}

}  // namespace triptych
