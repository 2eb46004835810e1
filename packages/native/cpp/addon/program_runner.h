// A program with the thread that runs its steps, one at a time.
#pragma once
#include <napi.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pages/arena.h"
#include "program/program.h"

namespace triptych {

class ProgramRunner;
// On the main thread, when a step is done; the environment is null when it ended before.
void report_step(Napi::Env env, Napi::Function, ProgramRunner*, std::shared_ptr<ProgramRunner>* owner);

// How a step is run, besides the step itself.
struct StepOptions {
  bool want_logits = false;
  // Tests hold a step open and watch the event loop go on: it waits until this is not 0. Null: it does not wait.
  const int32_t* hold = nullptr;
  // JavaScript values that must outlive the step.
  std::vector<Napi::Reference<Napi::Value>> keep;
};

// JavaScript members are used on the main thread only.
class ProgramRunner : public std::enable_shared_from_this<ProgramRunner> {
 public:
  ProgramRunner(Napi::Env env, std::unique_ptr<Program> program, std::shared_ptr<Arena> arena)
      : env_(env), program_(std::move(program)), arena_(std::move(arena)) {}
  ~ProgramRunner() { close(); }
  ProgramRunner(const ProgramRunner&) = delete;
  ProgramRunner& operator=(const ProgramRunner&) = delete;

  // Starts the thread, once, before anything else; "" or what went wrong.
  std::string open();
  // Waits for a running step, whose promise is rejected, then frees the program. Idempotent.
  void close();

  bool busy() const { return pending_ != nullptr; }
  bool closed() const { return program_ == nullptr; }
  const Program& program() const { return *program_; }

  // Runs a checked step; neither busy nor closed.
  Napi::Promise start(Step&& step, StepOptions&& options);

 private:
  friend void report_step(Napi::Env, Napi::Function, ProgramRunner*, std::shared_ptr<ProgramRunner>*);
  struct Pending {
    Napi::Promise::Deferred deferred;
    StepOptions options;
  };

  void loop();
  void wait_for_hold();
  void finish();
  Napi::Object result() const;

  const Napi::Env env_;
  std::unique_ptr<Program> program_;
  std::shared_ptr<Arena> arena_;  // keeps the KV memory mapped
  Napi::TypedThreadSafeFunction<ProgramRunner, std::shared_ptr<ProgramRunner>, report_step> done_;
  std::unique_ptr<Pending> pending_;  // set by the main thread while no step runs

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false, has_step_ = false;
  Step step_;
  std::vector<SampleResult> results_;
  double elapsed_ms_ = 0;
};

}  // namespace triptych
