#include "addon/program_runner.h"

#include <chrono>
#include <cstring>
#include <system_error>

namespace triptych {
namespace {

// The process exits or the worker thread is terminated: registered after the thread-safe function, so that it runs
// before that is freed, while the step's thread may still call it.
void end_program(void* runner) { static_cast<ProgramRunner*>(runner)->close(); }

}  // namespace

void report_step(Napi::Env env, Napi::Function, ProgramRunner*, std::shared_ptr<ProgramRunner>* owner) {
  if (env != nullptr) (*owner)->finish();
  delete owner;
}

std::string ProgramRunner::open() {
  done_ = decltype(done_)::New(env_, "triptych.step", 0, 1);
  done_.Unref(env_);
  try {
    thread_ = std::thread([this] { loop(); });
  } catch (const std::system_error& cause) {
    done_.Release();
    return std::string("cannot start a thread for steps: ") + cause.what();
  }
  napi_add_env_cleanup_hook(env_, end_program, this);
  return "";
}

void ProgramRunner::close() {
  if (!thread_.joinable()) return;
  napi_remove_env_cleanup_hook(env_, end_program, this);
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

Napi::Promise ProgramRunner::start(Step&& step, StepOptions&& options) {
  pending_ = std::make_unique<Pending>(Pending{Napi::Promise::Deferred::New(env_), std::move(options)});
  const Napi::Promise promise = pending_->deferred.Promise();
  done_.Ref(env_);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    step_ = std::move(step);
    has_step_ = true;
  }
  wake_.notify_one();
  return promise;
}

void ProgramRunner::loop() {
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || has_step_; });
      if (!has_step_) return;  // a step that has begun is finished before stopping
      has_step_ = false;
    }
    wait_for_hold();
    const auto started = std::chrono::steady_clock::now();
    program_->run(step_, results_);
    elapsed_ms_ = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
    // The report owns the runner: it may be closed and collected before the main thread gets to it.
    auto* self = new std::shared_ptr<ProgramRunner>(shared_from_this());
    if (done_.BlockingCall(self) != napi_ok) delete self;
  }
}

void ProgramRunner::wait_for_hold() {
  const int32_t* hold = pending_->options.hold;
  while (hold && __atomic_load_n(hold, __ATOMIC_ACQUIRE) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::lock_guard<std::mutex> lock(mutex_);
    if (stop_) return;  // closing lets go
  }
}

void ProgramRunner::finish() {
  const std::unique_ptr<Pending> pending = std::move(pending_);
  if (closed()) {
    pending->deferred.Reject(Napi::Error::New(env_, "the program was closed").Value());
    return;
  }
  done_.Unref(env_);
  Napi::Object object = result();
  if (pending->options.want_logits) {
    const size_t count = results_.size() * (size_t)program_->vocabulary();
    Napi::Float32Array logits = Napi::Float32Array::New(env_, count);
    if (count) std::memcpy(logits.Data(), program_->logits(), count * sizeof(float));
    object.Set("logits", logits);
  }
  pending->deferred.Resolve(object);
}

Napi::Object ProgramRunner::result() const {
  const size_t outputs = results_.size();
  Napi::Int32Array tokens = Napi::Int32Array::New(env_, outputs);
  Napi::Float32Array logprobs = Napi::Float32Array::New(env_, outputs);
  for (size_t i = 0; i < outputs; i++) {
    tokens.Data()[i] = results_[i].token;
    logprobs.Data()[i] = results_[i].logprob;
  }
  Napi::Object object = Napi::Object::New(env_);
  object.Set("tokens", tokens);
  object.Set("logprobs", logprobs);
  object.Set("elapsedMs", Napi::Number::New(env_, elapsed_ms_));
  return object;
}

}  // namespace triptych
