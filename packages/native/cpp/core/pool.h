// A fork-join thread pool for very short parallel regions (a decode step has a few hundred).
//
// Waiting is bounded spinning, then sleeping on a futex: spinning makes a hand-over cost well under a
// microsecond while a step runs, sleeping leaves the cores to others when they are oversubscribed or idle.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "worker.h"

namespace triptych {

class Pool {
 public:
  // `threads` >= 1 counts the calling thread, which takes part in every run as worker 0. Where the system refuses so
  // many, the pool is smaller: see size().
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int size() const { return size_; }

  // Runs job(context, worker) on every thread and returns when all have finished. One run at a time.
  void run(void (*job)(void* context, const Worker& worker), void* context);

  template <class F> void run(F&& f) {
    run([](void* c, const Worker& w) { (*static_cast<std::remove_reference_t<F>*>(c))(w); }, (void*)&f);
  }

  // Barrier between the threads of a running job; the claim counter is 0 again after it.
  void sync();

 private:
  // A counter one can wait on: spins for a while, then sleeps.
  struct alignas(64) Gate {
    std::atomic<uint32_t> value{0};
    std::atomic<uint32_t> sleepers{0};
    void advance();
    void wait_while(uint32_t seen);
  };

  void loop(int index);

  int size_;
  void (*job_)(void*, const Worker&) = nullptr;
  void* context_ = nullptr;
  bool stop_ = false;
  Gate start_;                                   // advanced once per run
  Gate phase_;                                   // advanced once per barrier and once at the end of a run
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) int next_ = 0;                     // claim counter of the current phase
  std::vector<std::thread> threads_;
};

}  // namespace triptych
