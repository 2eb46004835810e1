#include "pool.h"

#include <system_error>

#if defined(TRIPTYCH_X86)
#include <immintrin.h>
#endif

namespace triptych {
namespace {

// About 50 microseconds: longer than the gaps between the operations of a step, shorter than a time slice.
constexpr int kSpins = 2000;

inline void relax() {
#if defined(TRIPTYCH_X86)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

void Pool::Gate::advance() {
  value.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) != 0) value.notify_all();
}

void Pool::Gate::wait_while(uint32_t seen) {
  for (int i = 0; i < kSpins; i++) {
    if (value.load(std::memory_order_acquire) != seen) return;
    relax();
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  while (value.load(std::memory_order_seq_cst) == seen) value.wait(seen, std::memory_order_seq_cst);
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
}

Pool::Pool(int threads) : size_(threads < 1 ? 1 : threads) {
  for (int i = 1; i < size_; i++) {
    try {
      threads_.emplace_back([this, i] { loop(i); });
    } catch (const std::system_error&) {
      size_ = i;  // nobody has read it yet: the threads wait for their first run
    }
  }
}

Pool::~Pool() {
  stop_ = true;
  start_.advance();
  for (std::thread& t : threads_) t.join();
}

void Pool::run(void (*job)(void*, const Worker&), void* context) {
  __atomic_store_n(&next_, 0, __ATOMIC_RELAXED);
  if (size_ == 1) {
    job(context, Worker{0, 1, &next_});
    return;
  }
  job_ = job;
  context_ = context;
  start_.advance();
  job(context, Worker{0, size_, &next_});
  sync();
}

void Pool::sync() {
  if (size_ == 1) {
    __atomic_store_n(&next_, 0, __ATOMIC_RELAXED);
    return;
  }
  const uint32_t phase = phase_.value.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    __atomic_store_n(&next_, 0, __ATOMIC_RELAXED);
    phase_.advance();
  } else {
    phase_.wait_while(phase);
  }
}

void Pool::loop(int index) {
  for (uint32_t seen = 0;; seen++) {
    start_.wait_while(seen);
    if (stop_) return;
    job_(context_, Worker{index, size_, &next_});
    sync();
  }
}

}  // namespace triptych
