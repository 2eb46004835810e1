#include "pages/arena.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "pages/background.h"
#include "pages/backing.h"

namespace triptych {
namespace {

constexpr uint64_t kTouchedWindow = 1ull << 30;
// No processor that Node runs on addresses more than 2^57 bytes per process.
constexpr uint64_t kMaxSize = 1ull << 57;

}  // namespace

Arena::Arena(const ArenaOptions& options) : options_(options) {}

uint64_t Arena::page_bytes() { return backing::page_bytes(); }

int Arena::open(const ArenaOptions& options, std::shared_ptr<Arena>& arena) {
  if (options.size == 0 || options.size > kMaxSize || options.size % page_bytes() != 0) return EINVAL;
  std::shared_ptr<Arena> opened(new Arena(options));
  if (const int error = opened->reserve()) return error;
  opened->background_ = std::make_unique<Background>(*opened);
  arena = std::move(opened);
  return 0;
}

int Arena::reserve() {
  if (options_.backing == Backing::MemoryFile) return backing::map_file(size(), !options_.guard, file_, base_);
  touched_ = std::vector<std::atomic<bool>>((size() + kTouchedWindow - 1) / kTouchedWindow);
  return backing::map_anonymous(size(), !options_.guard, base_);
}

Arena::~Arena() {
  background_.reset();  // joins the thread before its memory goes
  backing::unmap(base_, size(), file_);
}

int Arena::check(std::span<const Range> ranges) const {
  for (const Range& range : ranges) {
    if (!range.aligned(page_bytes()) || !range.inside(size())) return EINVAL;
  }
  return 0;
}

int Arena::commit(std::span<const Range> ranges, Touch touch) {
  if (const int error = check(ranges)) return error;
  for (size_t r = 0; r < ranges.size(); r++) {
    mark(ranges[r]);
    for (uint64_t i = 0; i < ranges[r].count; i++) {
      const int error = commit_run(ranges[r].run(i), ranges[r].length, touch);
      if (error == 0) continue;
      Range begun = ranges[r];
      begun.count = i + 1;
      release(ranges.first(r));
      release({&begun, 1});
      return error;
    }
  }
  return 0;
}

int Arena::release(std::span<const Range> ranges) {
  if (const int error = check(ranges)) return error;
  int first = 0;
  for (const Range& range : ranges) {
    for (uint64_t i = 0; i < range.count; i++) {
      const int error = release_run(range.run(i), range.length);
      if (first == 0) first = error;
    }
  }
  return first;
}

int Arena::commit_run(uint64_t offset, uint64_t length, Touch touch) {
  uint8_t* address = base_ + offset;
  if (options_.backing == Backing::MemoryFile) {
    if (const int error = backing::allocate_file(file_, offset, length)) return error;
    // The blocks exist, so populating saves faults but cannot be what fails the commit.
    if (touch == Touch::Populate && !options_.guard) backing::populate(address, length);
    return 0;
  }
  if (!options_.guard) return backing::populate(address, length);
  if (const int error = backing::protect(address, length, true)) return error;
  const int error = backing::populate(address, length);
  const int restored = backing::protect(address, length, false);
  return error ? error : restored;
}

int Arena::release_run(uint64_t offset, uint64_t length) {
  uint8_t* address = base_ + offset;
  if (options_.guard) {
    if (const int error = backing::protect(address, length, false)) return error;
  }
  if (options_.backing == Backing::MemoryFile) return backing::punch_file(file_, offset, length);
  return backing::discard(address, length, !options_.guard);
}

int Arena::expose(std::span<const Range> ranges) {
  if (!options_.guard) return EINVAL;
  const uint64_t page = page_bytes();
  for (const Range& range : ranges) {
    const Range window{range.offset, range.stride, range.stride, range.count};
    if (!window.aligned(page) || !window.inside(size()) || range.length > range.stride) return EINVAL;
    const uint64_t open = (range.length + page - 1) / page * page;
    for (uint64_t i = 0; i < range.count; i++) {
      uint8_t* address = base_ + range.run(i);
      if (open > 0) {
        if (const int error = backing::protect(address, open, true)) return error;
      }
      if (open < range.stride) {
        if (const int error = backing::protect(address + open, range.stride - open, false)) return error;
      }
      memset(address + range.length, 0xFF, open - range.length);
    }
  }
  return 0;
}

void Arena::mark(const Range& range) {
  if (touched_.empty()) return;
  for (uint64_t i = 0; i < range.count; i++) {
    const uint64_t last = (range.run(i) + range.length - 1) / kTouchedWindow;
    for (uint64_t w = range.run(i) / kTouchedWindow; w <= last; w++) touched_[w].store(true, std::memory_order_relaxed);
  }
}

int Arena::resident(uint64_t& bytes) const {
  if (options_.backing == Backing::MemoryFile) return backing::file_bytes(file_, bytes);
  bytes = 0;
  for (uint64_t w = 0; w < touched_.size(); w++) {
    if (!touched_[w].load(std::memory_order_relaxed)) continue;
    const uint64_t at = w * kTouchedWindow;
    uint64_t part = 0;
    if (const int error = backing::resident_bytes(base_ + at, std::min(kTouchedWindow, size() - at), part)) return error;
    bytes += part;
  }
  return 0;
}

}  // namespace triptych
