// Commits and releases off the critical path: one thread per arena, two first-in-first-out queues.
//
// Commits go before releases, and a long release is cut into slices, so memory that a coming step needs never
// waits behind memory that is only given back. Within a queue order holds, so one number (the last completed
// ticket) says which jobs are done. A release submitted after a commit of the same range therefore runs after it;
// the opposite order is the caller's to arrange with wait().
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "pages/range.h"

namespace triptych {

class Arena;

enum class Work : uint8_t { Commit = 0, Release = 1 };

class Background {
 public:
  explicit Background(Arena& arena) : arena_(arena) {}
  ~Background();  // finishes the job at hand, drops the others
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Queues a job (commits populate) and returns its ticket: 1, 2, ... per kind of work.
  uint64_t submit(Work work, std::vector<Range> ranges);
  // The last finished ticket of this kind; all before it are finished too.
  uint64_t completed(Work work);
  // Blocks until the ticket is finished (at once for one never given out).
  void wait(Work work, uint64_t ticket);
  // The errno of a finished job, 0 for success. Reading a failure forgets it.
  int take_error(Work work, uint64_t ticket);

 private:
  struct Job {
    std::vector<Range> ranges;
    int error = 0;
    // Where a sliced release goes on: range, run within it, byte within the run.
    size_t range = 0;
    uint64_t run = 0, byte = 0;
  };
  struct Queue {
    std::deque<Job> jobs;
    uint64_t submitted = 0, completed = 0;
    std::map<uint64_t, int> errors;
  };

  void loop();
  // Both return true when the job is finished.
  bool commit(Job& job);
  bool release_slice(Job& job);
  void finish(Queue& queue);     // with the lock held
  Queue& queue(Work work) { return queues_[(int)work]; }

  Arena& arena_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  Queue queues_[2];
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace triptych
