// JavaScript side of weights: loading off the main thread, with progress, and a handle whose memory can be let go at once.
#include "addon/weights_addon.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "addon/areas.h"
#include "addon/values.h"

namespace triptych {
namespace {

constexpr napi_type_tag kWeightsTag = {0x5472697074796368ull, 0x57656967687473ull};
constexpr int kMaxThreads = 1024;
constexpr auto kReportInterval = std::chrono::milliseconds(100);

using WeightsExternal = Napi::External<std::shared_ptr<Weights>>;

// The pointer behind a handle, null for anything else.
std::shared_ptr<Weights>* weights_of(Napi::Value value) {
  if (!value.IsExternal() || !value.As<WeightsExternal>().CheckTypeTag(&kWeightsTag)) return nullptr;
  return value.As<WeightsExternal>().Data();
}

struct LoadJob;
// On the main thread: a tick when `finished` is null, else the end of the job.
void report_load(Napi::Env env, Napi::Function callback, LoadJob* job, LoadJob* finished);
using LoadReport = Napi::TypedThreadSafeFunction<LoadJob, LoadJob, report_load>;

// One load: a thread that packs, and progress reports on the main thread a few times a second. Deleted on the main
// thread, by the final report or when the environment ends before it.
struct LoadJob {
  const Napi::Env env;
  std::string path;
  std::vector<TensorSource> sources;
  int threads = 1;
  LoadProgress progress;
  std::shared_ptr<Weights> weights = std::make_shared<Weights>();
  std::string error;
  Napi::Promise::Deferred deferred;
  LoadReport report;
  std::thread thread;

  explicit LoadJob(Napi::Env e) : env(e), deferred(Napi::Promise::Deferred::New(e)) {}
};

// The process exits or the worker thread is terminated: registered after the thread-safe function, so that it runs
// before that is freed, while the thread may still call it.
void end_load(void* data) {
  auto* job = static_cast<LoadJob*>(data);
  job->progress.cancel = true;
  job->thread.join();
  delete job;
}

void finish_load(LoadJob* job) {
  napi_remove_env_cleanup_hook(job->env, end_load, job);
  job->thread.join();
  if (job->error.empty()) {
    auto* owner = new std::shared_ptr<Weights>(std::move(job->weights));
    const auto handle = WeightsExternal::New(job->env, owner, [](Napi::Env, std::shared_ptr<Weights>* p) { delete p; });
    handle.TypeTag(&kWeightsTag);
    job->deferred.Resolve(handle);
  } else {
    job->deferred.Reject(Napi::Error::New(job->env, job->error).Value());
  }
  delete job;
}

void report_load(Napi::Env env, Napi::Function callback, LoadJob* job, LoadJob* finished) {
  if (env == nullptr) return;  // the environment ended; end_load has freed the job
  const Napi::Value go = callback.Call({Napi::Number::New(env, (double)job->progress.loaded_bytes.load())});
  const bool threw = env.IsExceptionPending();
  if (threw) env.GetAndClearPendingException();
  if (threw || (go.IsBoolean() && !go.As<Napi::Boolean>().Value())) job->progress.cancel = true;
  if (finished) finish_load(finished);
}

void run_load(LoadJob* job) {
  // A second thread ticks, so that a long tensor does not silence progress or delay cancelling.
  std::mutex mutex;
  std::condition_variable wake;
  bool done = false;
  std::thread ticker;
  try {
    ticker = std::thread([&] {
      std::unique_lock<std::mutex> lock(mutex);
      while (!done) {
        job->report.NonBlockingCall(nullptr);
        wake.wait_for(lock, kReportInterval);
      }
    });
  } catch (const std::system_error&) {
    // No thread to be had: no progress, but the weights.
  }
  job->error = job->weights->load(job->path, job->sources, job->threads, job->progress);
  {
    std::lock_guard<std::mutex> lock(mutex);
    done = true;
  }
  wake.notify_one();
  if (ticker.joinable()) ticker.join();
  LoadReport report = job->report;
  report.BlockingCall(job);
  report.Release();
}

Napi::Value load_weights(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsArray() || !info[2].IsNumber() || !info[3].IsFunction())
    return throw_type(env, "loadWeights takes a path, sources, threads and a progress function");
  auto job = std::make_unique<LoadJob>(env);
  job->path = info[0].As<Napi::String>().Utf8Value();
  job->threads = std::clamp(info[2].As<Napi::Number>().Int32Value(), 1, kMaxThreads);
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
    if (!error.empty()) return throw_type(env, "sources: " + error);
    job->sources.push_back(std::move(s));
  }
  job->report = LoadReport::New(env, info[3].As<Napi::Function>(), "triptych.load", 0, 1, job.get());
  try {
    job->thread = std::thread(run_load, job.get());
  } catch (const std::system_error& cause) {
    job->report.Release();
    return throw_type(env, std::string("cannot start a thread to load the weights: ") + cause.what());
  }
  napi_add_env_cleanup_hook(env, end_load, job.get());
  return job.release()->deferred.Promise();
}

Napi::Value weights_bytes(const Napi::CallbackInfo& info) {
  const std::shared_ptr<Weights> weights = share_weights(info[0]);
  if (!weights) return throw_type(info.Env(), "weights: not a handle, or released");
  return Napi::Number::New(info.Env(), (double)weights->bytes());
}

Napi::Value release_weights(const Napi::CallbackInfo& info) {
  std::shared_ptr<Weights>* weights = weights_of(info[0]);
  if (!weights) return throw_type(info.Env(), "weights: not a handle");
  weights->reset();
  return info.Env().Undefined();
}

}  // namespace

std::shared_ptr<Weights> share_weights(Napi::Value value) {
  const std::shared_ptr<Weights>* weights = weights_of(value);
  return weights ? *weights : nullptr;
}

void register_weights(Napi::Env env, Napi::Object exports) {
  exports.Set("loadWeights", Napi::Function::New(env, load_weights));
  exports.Set("weightsBytes", Napi::Function::New(env, weights_bytes));
  exports.Set("releaseWeights", Napi::Function::New(env, release_weights));
}

}  // namespace triptych
