// JavaScript side of programs. Errors are thrown or reject; native threads never touch JavaScript values but through a
// thread-safe function.
#include "addon/areas.h"
#include "addon/pages_addon.h"
#include "addon/program_runner.h"
#include "addon/program_values.h"
#include "addon/values.h"
#include "addon/weights_addon.h"

namespace triptych {
namespace {

constexpr napi_type_tag kProgramTag = {0x5472697074796368ull, 0x50726f6772616dull};

using ProgramExternal = Napi::External<std::shared_ptr<ProgramRunner>>;

// The runner behind a handle, null for anything else.
ProgramRunner* runner_of(Napi::Value value) {
  if (!value.IsExternal() || !value.As<ProgramExternal>().CheckTypeTag(&kProgramTag)) return nullptr;
  return value.As<ProgramExternal>().Data()->get();
}

Napi::Value create_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Weights> weights = share_weights(info[0]);
  if (!weights) return throw_type(env, "weights: not a handle, or released");
  const std::shared_ptr<Arena> arena = share_arena(info[1]);
  if (!arena) return throw_type(env, "arena: not an open arena");
  if (!info[2].IsObject()) return throw_type(env, "createProgram takes weights, an arena and a spec");
  std::string error;
  ProgramSpec spec = parse_spec(info[2].As<Napi::Object>(), error);
  if (!error.empty()) return throw_type(env, "program: " + error);
  auto program = std::make_unique<Program>(weights, arena->base(), arena->size(), std::move(spec), error);
  if (!error.empty()) return throw_type(env, "program: " + error);
  auto runner = std::make_shared<ProgramRunner>(env, std::move(program), arena);
  error = runner->open();
  if (!error.empty()) return throw_type(env, "program: " + error);
  auto* owner = new std::shared_ptr<ProgramRunner>(std::move(runner));
  const auto handle = ProgramExternal::New(env, owner, [](Napi::Env, std::shared_ptr<ProgramRunner>* p) {
    (*p)->close();
    delete p;
  });
  handle.TypeTag(&kProgramTag);
  return handle;
}

// A rejected promise; with what a getter of the arguments threw, if one did.
Napi::Value reject(Napi::Env env, const std::string& message) {
  // First of all: no promise can be made while an exception is pending.
  const Napi::Error error = env.IsExceptionPending() ? env.GetAndClearPendingException() : Napi::Error::New(env, message);
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(error.Value());
  return deferred.Promise();
}

Napi::Value run_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ProgramRunner* runner = runner_of(info[0]);
  if (!runner || !info[1].IsObject()) return throw_type(env, "runProgram takes a program and a batch");
  if (runner->closed()) return reject(env, "the program is closed");
  if (runner->busy()) return reject(env, "a step is already running");
  const Napi::Object batch = info[1].As<Napi::Object>();
  std::string error;
  Step step = parse_step(batch, error);
  if (error.empty()) error = runner->program().check(step);
  const Napi::Value want = batch.Get("wantLogits"), hold = batch.Get("hold");
  if (!error.empty() || env.IsExceptionPending()) return reject(env, "batch: " + error);
  StepOptions options;
  options.want_logits = want.IsBoolean() && want.As<Napi::Boolean>().Value();
  // A program that nobody holds any more but this step is not collected under it.
  options.keep.push_back(Napi::Reference<Napi::Value>::New(info[0], 1));
  if (hold.IsTypedArray() && hold.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array &&
      hold.As<Napi::Int32Array>().ElementLength() > 0) {
    options.hold = hold.As<Napi::Int32Array>().Data();
    options.keep.push_back(Napi::Reference<Napi::Value>::New(hold, 1));
  }
  return runner->start(std::move(step), std::move(options));
}

Napi::Value close_program(const Napi::CallbackInfo& info) {
  ProgramRunner* runner = runner_of(info[0]);
  if (!runner) return throw_type(info.Env(), "closeProgram takes a program");
  runner->close();
  return info.Env().Undefined();
}

}  // namespace

void register_program(Napi::Env env, Napi::Object exports) {
  exports.Set("createProgram", Napi::Function::New(env, create_program));
  exports.Set("runProgram", Napi::Function::New(env, run_program));
  exports.Set("closeProgram", Napi::Function::New(env, close_program));
}

}  // namespace triptych
