#include "pages/background.h"

#include <algorithm>
#include <system_error>

#include "pages/arena.h"

namespace triptych {
namespace {

// About half a millisecond of punching: how long a commit may wait for a release that has begun.
constexpr uint64_t kSliceBytes = 4ull << 20;

}  // namespace

Background::~Background() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

uint64_t Background::submit(Work work, std::vector<Range> ranges) {
  Job job;
  job.error = arena_.check(ranges);
  if (job.error == 0) job.ranges = std::move(ranges);
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([this] { loop(); });
    } catch (const std::system_error&) {
      // No thread to be had: the work is done here and now, only slower for the caller.
      while (!(work == Work::Commit ? commit(job) : release_slice(job))) {}
      Queue& mine = queue(work);
      mine.jobs.push_back(std::move(job));
      mine.submitted++;
      finish(mine);
      return mine.submitted;
    }
  }
  queue(work).jobs.push_back(std::move(job));
  const uint64_t ticket = ++queue(work).submitted;
  lock.unlock();
  wake_.notify_one();
  return ticket;
}

uint64_t Background::completed(Work work) {
  std::lock_guard lock(mutex_);
  return queue(work).completed;
}

void Background::wait(Work work, uint64_t ticket) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return queue(work).completed >= std::min(ticket, queue(work).submitted); });
}

int Background::take_error(Work work, uint64_t ticket) {
  std::lock_guard lock(mutex_);
  auto& errors = queue(work).errors;
  const auto found = errors.find(ticket);
  if (found == errors.end()) return 0;
  const int error = found->second;
  errors.erase(found);
  return error;
}

void Background::loop() {
  std::unique_lock lock(mutex_);
  Queue& commits = queue(Work::Commit);
  Queue& releases = queue(Work::Release);
  for (;;) {
    wake_.wait(lock, [&] { return stop_ || !commits.jobs.empty() || !releases.jobs.empty(); });
    if (stop_) return;
    // Only this thread takes jobs out and adding to a deque moves none, so the reference outlives the lock.
    const bool committing = !commits.jobs.empty();
    Queue& current = committing ? commits : releases;
    Job& job = current.jobs.front();
    lock.unlock();
    const bool finished = committing ? commit(job) : release_slice(job);
    lock.lock();
    if (finished) finish(current);
  }
}

bool Background::commit(Job& job) {
  if (job.error == 0) job.error = arena_.commit(job.ranges, Touch::Populate);
  return true;
}

bool Background::release_slice(Job& job) {
  uint64_t left = kSliceBytes;
  while (left > 0 && job.range < job.ranges.size()) {
    const Range& range = job.ranges[job.range];
    if (job.run >= range.count) {
      job.range++;
      job.run = 0;
      continue;
    }
    const uint64_t bytes = std::min(left, range.length - job.byte);
    const Range piece{range.run(job.run) + job.byte, bytes, 0, 1};
    const int error = arena_.release({&piece, 1});
    if (job.error == 0) job.error = error;
    job.byte += bytes;
    left -= bytes;
    if (job.byte == range.length) {
      job.run++;
      job.byte = 0;
    }
  }
  return job.range >= job.ranges.size();
}

void Background::finish(Queue& queue) {
  const int error = queue.jobs.front().error;
  queue.jobs.pop_front();
  queue.completed++;
  if (error) queue.errors[queue.completed] = error;
  done_.notify_all();
}

}  // namespace triptych
