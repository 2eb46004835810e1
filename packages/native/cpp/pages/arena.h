// Address space reserved once, memory given to it and taken from it by ranges.
//
// On Linux the arena is one sparse memory file mapped once: committing allocates file blocks, releasing punches
// holes, and neither needs a mapping call. The anonymous backing does the same with private memory behind the
// same interface. An arena counts nothing and decides nothing; that is the work of the package `vattention`.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pages/range.h"

namespace triptych {

class Background;

enum class Backing : uint8_t { MemoryFile = 0, Anonymous = 1 };

// What a commit does beyond making the memory exist. `Populate` also enters it into the page tables, so that the
// first write does not fault: right for work ahead of time, wasteful on a critical path with idle cores.
enum class Touch : uint8_t { Lazy = 0, Populate = 1 };

struct ArenaOptions {
  uint64_t size = 0;                           // bytes, a positive multiple of the page size
  Backing backing = Backing::MemoryFile;
  bool guard = false;                          // nothing is accessible until expose() says so
};

// Every call returns 0 or an errno value and none throws. commit, release and resident may run at the same time
// on several threads as long as their ranges do not overlap.
class Arena {
 public:
  // Reserves; holds no physical memory. ENOSYS when this system lacks the backing.
  static int open(const ArenaOptions& options, std::shared_ptr<Arena>& arena);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  uint8_t* base() const { return base_; }
  uint64_t size() const { return options_.size; }
  Backing backing() const { return options_.backing; }
  static uint64_t page_bytes();

  // Backs ranges that hold no memory yet; the new memory is zero. All or nothing: on an error every range of this
  // call holds no memory again. ENOSPC or ENOMEM when the system has none to give.
  int commit(std::span<const Range> ranges, Touch touch);

  // Gives the memory of the ranges back to the system; their content is gone.
  int release(std::span<const Range> ranges);

  // Guard mode only: in each run's window [run, run + stride) the first `length` bytes (any number) become
  // accessible to page precision and the rest inaccessible; the bytes between `length` and the end of its page
  // are filled with 0xFF, a NaN in every float type. ENOMEM when the process has too many mappings.
  int expose(std::span<const Range> ranges);

  // EINVAL unless every range has runs, page-aligned, inside the arena and apart from each other.
  int check(std::span<const Range> ranges) const;

  // Bytes the system holds for this arena now: file blocks, or resident pages.
  int resident(uint64_t& bytes) const;

  // A thread of the arena's own, made at first use, that commits and releases in the background.
  Background& background() { return *background_; }

 private:
  explicit Arena(const ArenaOptions& options);
  int reserve();
  int commit_run(uint64_t offset, uint64_t length, Touch touch);
  int release_run(uint64_t offset, uint64_t length);
  void mark(const Range& range);

  ArenaOptions options_;
  int file_ = -1;
  uint8_t* base_ = nullptr;
  // Which gibibytes ever held memory: an anonymous arena looks only there for resident pages.
  std::vector<std::atomic<bool>> touched_;
  std::unique_ptr<Background> background_;
};

}  // namespace triptych
