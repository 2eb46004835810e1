// JavaScript side of weights and programs. Errors are thrown or reject; native threads never touch JavaScript
// values but through a thread-safe function.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "addon/areas.h"
#include "addon/pages_addon.h"
#include "addon/values.h"
#include "program/program.h"
#include "program/weights.h"

namespace triptych {
namespace {

using WeightsExternal = Napi::External<std::shared_ptr<Weights>>;

Napi::Value throw_type(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

// One load: a thread that packs, and progress reports on the main thread a few times a second.
struct LoadJob {
  std::string path;
  std::vector<TensorSource> sources;
  int threads = 1;
  LoadProgress progress;
  std::shared_ptr<Weights> weights = std::make_shared<Weights>();
  std::string error;
  Napi::Promise::Deferred deferred;
  Napi::ThreadSafeFunction report;
  std::thread thread;

  explicit LoadJob(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
};

void call_progress(Napi::Env env, Napi::Function callback, LoadJob* job) {
  const Napi::Value go = callback.Call({Napi::Number::New(env, (double)job->progress.loaded_bytes.load())});
  if (env.IsExceptionPending()) {
    env.GetAndClearPendingException();
    job->progress.cancel = true;
  } else if (go.IsBoolean() && !go.As<Napi::Boolean>().Value()) {
    job->progress.cancel = true;
  }
}

void finish_load(Napi::Env env, LoadJob* job) {
  job->thread.join();
  if (job->error.empty()) {
    auto* handle = new std::shared_ptr<Weights>(std::move(job->weights));
    job->deferred.Resolve(WeightsExternal::New(env, handle, [](Napi::Env, std::shared_ptr<Weights>* p) { delete p; }));
  } else {
    job->deferred.Reject(Napi::Error::New(env, job->error).Value());
  }
  delete job;
}

void run_load(LoadJob* job) {
  std::atomic<bool> done{false};
  // A second thread ticks, so that a long tensor does not silence progress or delay cancelling.
  std::mutex mutex;
  std::condition_variable wake;
  std::thread ticker([&] {
    std::unique_lock<std::mutex> lock(mutex);
    while (!done.load()) {
      job->report.NonBlockingCall(job, call_progress);
      wake.wait_for(lock, std::chrono::milliseconds(100));
    }
  });
  job->error = job->weights->load(job->path, job->sources, job->threads, job->progress);
  {
    std::lock_guard<std::mutex> lock(mutex);
    done = true;
  }
  wake.notify_one();
  ticker.join();
  Napi::ThreadSafeFunction report = job->report;
  report.BlockingCall(job, [](Napi::Env env, Napi::Function callback, LoadJob* j) {
    call_progress(env, callback, j);
    finish_load(env, j);
  });
  report.Release();
}

Napi::Value load_weights(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 4 || !info[0].IsString() || !info[1].IsArray() || !info[2].IsNumber() || !info[3].IsFunction())
    return throw_type(env, "loadWeights takes a path, sources, threads and a progress function");
  auto job = std::make_unique<LoadJob>(env);
  job->path = info[0].As<Napi::String>().Utf8Value();
  job->threads = std::max(1, info[2].As<Napi::Number>().Int32Value());
  const Napi::Array sources = info[1].As<Napi::Array>();
  std::string error;
  for (uint32_t i = 0; i < sources.Length(); i++) {
    const Napi::Value item = sources.Get(i);
    if (!item.IsObject()) return throw_type(env, "sources must be objects");
    const Napi::Object object = item.As<Napi::Object>();
    Fields f(object, error);
    TensorSource s;
    s.name = f.text("name");
    s.ggml_type = f.integer("ggmlType");
    s.n = f.integer("n");
    s.k = f.integer("k");
    s.offset = f.size("offset");
    s.vector = f.boolean("vector");
    job->sources.push_back(std::move(s));
  }
  if (!error.empty()) return throw_type(env, "sources: " + error);
  job->report = Napi::ThreadSafeFunction::New(env, info[3].As<Napi::Function>(), "triptych.load", 0, 1);
  const Napi::Promise promise = job->deferred.Promise();
  LoadJob* raw = job.release();
  raw->thread = std::thread(run_load, raw);
  return promise;
}

Napi::Value weights_bytes(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal()) return throw_type(info.Env(), "weights: not a handle");
  return Napi::Number::New(info.Env(), (double)(*info[0].As<WeightsExternal>().Data())->bytes());
}

// A program with the thread that runs its steps. JavaScript members are used on the main thread only.
class ProgramRunner : public std::enable_shared_from_this<ProgramRunner> {
 public:
  ProgramRunner(Napi::Env env, std::unique_ptr<Program> program, std::shared_ptr<Arena> arena)
      : program_(std::move(program)), arena_(std::move(arena)) {
    done_ = Napi::ThreadSafeFunction::New(env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "triptych.step", 0, 1);
    done_.Unref(env);
    thread_ = std::thread([this] { loop(); });
  }
  ~ProgramRunner() { close(); }

  void close() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
    done_.Release();
    program_.reset();
    arena_.reset();
  }

  bool busy() const { return pending_ != nullptr; }
  bool closed() const { return program_ == nullptr; }
  const Program& program() const { return *program_; }

  Napi::Promise start(Napi::Env env, Step&& step, bool want_logits, const int32_t* hold, Napi::ObjectReference hold_reference) {
    pending_ = std::make_unique<Pending>(env);
    pending_->hold_reference = std::move(hold_reference);
    const Napi::Promise promise = pending_->deferred.Promise();
    done_.Ref(env);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      step_ = std::move(step);
      want_logits_ = want_logits;
      hold_ = hold;
      has_step_ = true;
    }
    wake_.notify_one();
    return promise;
  }

 private:
  struct Pending {
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference hold_reference;
    explicit Pending(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  };

  void loop() {
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return stop_ || has_step_; });
        if (!has_step_) return;  // a step that has begun is finished before stopping
        has_step_ = false;
      }
      // Tests hold a step open this way and watch the event loop go on; closing lets go.
      while (hold_ && __atomic_load_n(hold_, __ATOMIC_ACQUIRE) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::lock_guard<std::mutex> lock(mutex_);
        if (stop_) break;
      }
      const auto started = std::chrono::steady_clock::now();
      program_->run(step_, results_);
      elapsed_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
      // The report owns the runner: it may be closed and collected before the main thread gets to it.
      auto* self = new std::shared_ptr<ProgramRunner>(shared_from_this());
      const napi_status status = done_.BlockingCall(self, [](Napi::Env env, Napi::Function, std::shared_ptr<ProgramRunner>* owner) {
        (*owner)->finish(env);
        delete owner;
      });
      if (status != napi_ok) delete self;
    }
  }

  void finish(Napi::Env env) {
    const std::unique_ptr<Pending> pending = std::move(pending_);
    if (!program_) {
      pending->deferred.Reject(Napi::Error::New(env, "the program was closed").Value());
      return;
    }
    done_.Unref(env);
    const size_t outputs = results_.size();
    Napi::Int32Array tokens = Napi::Int32Array::New(env, outputs);
    Napi::Float32Array logprobs = Napi::Float32Array::New(env, outputs);
    for (size_t i = 0; i < outputs; i++) {
      tokens.Data()[i] = results_[i].token;
      logprobs.Data()[i] = results_[i].logprob;
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("tokens", tokens);
    result.Set("logprobs", logprobs);
    result.Set("elapsedMs", Napi::Number::New(env, elapsed_ms_));
    if (want_logits_) {
      const size_t count = outputs * (size_t)program_->vocabulary();
      Napi::Float32Array logits = Napi::Float32Array::New(env, count);
      if (count) std::memcpy(logits.Data(), program_->logits(), count * sizeof(float));
      result.Set("logits", logits);
    }
    pending->deferred.Resolve(result);
  }

  std::unique_ptr<Program> program_;
  std::shared_ptr<Arena> arena_;  // keeps the KV memory mapped
  Napi::ThreadSafeFunction done_;
  std::unique_ptr<Pending> pending_;  // main thread

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false, has_step_ = false, want_logits_ = false;
  const int32_t* hold_ = nullptr;
  Step step_;
  std::vector<SampleResult> results_;
  double elapsed_ms_ = 0;
};

using ProgramExternal = Napi::External<std::shared_ptr<ProgramRunner>>;

int rows_kind(Fields& f, std::string& error) {
  const std::string rows = f.text("rows");
  if (rows != "tokens" && rows != "outputs" && error.empty()) error = "rows must be 'tokens' or 'outputs'";
  return rows == "outputs";
}

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
    op.gate = f.text("activation") == "gelu" ? Gate::Gelu : Gate::Silu;
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

Isa parse_isa(const std::string& name, std::string& error) {
  for (const Isa isa : {Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Amx})
    if (name == isa_name(isa)) return isa;
  if (error.empty()) error = "isa must be portable, avx2, avx512 or amx";
  return Isa::Portable;
}

ProgramSpec parse_spec(const Napi::Object& object, std::string& error) {
  Fields f(object, error);
  ProgramSpec spec;
  for (const Napi::Object& buffer : f.objects("buffers")) {
    Fields b(buffer, error);
    spec.buffers.push_back({b.integer("columns"), rows_kind(b, error) == 1});
  }
  for (const Napi::Object& op : f.objects("ops")) spec.ops.push_back(parse_op(op, error));
  spec.logits = f.integer("logits");
  spec.rms_epsilon = (float)f.number("rmsEpsilon");
  spec.max_tokens = f.integer("maxTokens");
  spec.max_sequences = f.integer("maxSequences");
  spec.max_outputs = f.integer("maxOutputs");
  spec.threads = f.integer("threads");
  spec.isa = parse_isa(f.text("isa"), error);
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
  spec.cache_f32 = a.integer("elementBytes") == 4;
  spec.tensor_bytes = a.size("tensorBytes");
  spec.rope_dims = a.integer("ropeDimensions");
  spec.rope_style = a.text("ropeStyle") == "neox" ? RopeStyle::Neox : RopeStyle::Norm;
  spec.rope_base = a.number("ropeFrequencyBase");
  spec.rope_scale = a.number("ropeFrequencyScale");
  spec.rope_factors = a.integer_or("ropeFactors", kNone);
  return spec;
}

Napi::Value create_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 3 || !info[0].IsExternal() || !info[2].IsObject()) return throw_type(env, "createProgram takes weights, an arena and a spec");
  const std::shared_ptr<Arena> arena = share_arena(info[1]);
  if (!arena) return throw_type(env, "arena: not an open arena");
  std::string error;
  ProgramSpec spec = parse_spec(info[2].As<Napi::Object>(), error);
  if (!error.empty()) return throw_type(env, "program: " + error);
  auto program = std::make_unique<Program>(*info[0].As<WeightsExternal>().Data(), arena->base(), arena->size(), std::move(spec), error);
  if (!error.empty()) return throw_type(env, "program: " + error);
  auto runner = std::make_shared<ProgramRunner>(env, std::move(program), arena);
  return ProgramExternal::New(env, new std::shared_ptr<ProgramRunner>(std::move(runner)), [](Napi::Env, std::shared_ptr<ProgramRunner>* p) {
    (*p)->close();
    delete p;
  });
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

Napi::Value reject(Napi::Env env, const std::string& message) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(Napi::Error::New(env, message).Value());
  return deferred.Promise();
}

Napi::Value run_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsExternal() || !info[1].IsObject()) return throw_type(env, "runProgram takes a program and a batch");
  const std::shared_ptr<ProgramRunner>& runner = *info[0].As<ProgramExternal>().Data();
  if (runner->closed()) return reject(env, "the program is closed");
  if (runner->busy()) return reject(env, "a step is already running");
  const Napi::Object batch = info[1].As<Napi::Object>();
  std::string error;
  Step step = parse_step(batch, error);
  if (error.empty()) error = runner->program().check(step);
  if (!error.empty()) return reject(env, "batch: " + error);
  const Napi::Value want = batch.Get("wantLogits"), hold = batch.Get("hold");
  const int32_t* hold_address = nullptr;
  Napi::ObjectReference hold_reference;
  if (hold.IsTypedArray() && hold.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array &&
      hold.As<Napi::Int32Array>().ElementLength() > 0) {
    hold_address = hold.As<Napi::Int32Array>().Data();
    hold_reference = Napi::Persistent(hold.As<Napi::Object>());
  }
  return runner->start(env, std::move(step), want.IsBoolean() && want.As<Napi::Boolean>().Value(), hold_address, std::move(hold_reference));
}

Napi::Value close_program(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsExternal()) return throw_type(info.Env(), "closeProgram takes a program");
  (*info[0].As<ProgramExternal>().Data())->close();
  return info.Env().Undefined();
}

}  // namespace

void register_program(Napi::Env env, Napi::Object exports) {
  exports.Set("loadWeights", Napi::Function::New(env, load_weights));
  exports.Set("weightsBytes", Napi::Function::New(env, weights_bytes));
  exports.Set("createProgram", Napi::Function::New(env, create_program));
  exports.Set("runProgram", Napi::Function::New(env, run_program));
  exports.Set("closeProgram", Napi::Function::New(env, close_program));
}

}  // namespace triptych
