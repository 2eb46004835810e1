// The arena: what a commit backs, what a release returns, and what a failure leaves behind.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <set>

#include "check.h"
#include "pages/arena.h"

using namespace triptych;
using namespace triptych::test;

namespace {

const uint64_t kPage = Arena::page_bytes();
const Backing kBackings[] = {
#if defined(__linux__)
    Backing::MemoryFile,
#endif
    Backing::Anonymous};

// The thread sanitizer leaves a program only a small part of its address space.
#if defined(__SANITIZE_THREAD__)
constexpr uint64_t kReservation = 64ull << 30;
#else
constexpr uint64_t kReservation = 12ull << 40;
#endif

std::shared_ptr<Arena> must_open(uint64_t size, Backing backing, bool guard = false) {
  std::shared_ptr<Arena> arena;
  CHECK_EQ(Arena::open({size, backing, guard}, arena), 0);
  return arena;
}

uint64_t resident(const Arena& arena) {
  uint64_t bytes = 0;
  CHECK_EQ(arena.resident(bytes), 0);
  return bytes;
}

// 0 when this byte can be read, EFAULT when reading it would fault: asked of the kernel, which answers a copy from
// such memory with an error instead of a signal. (That a real read dies is tested in packages/vattention.)
int error_of_read(const uint8_t* byte) {
  int pipe_ends[2];
  CHECK_EQ(pipe(pipe_ends), 0);
  const int error = write(pipe_ends[1], byte, 1) == 1 ? 0 : errno;
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  return error;
}

}  // namespace

TEST(arena_reserves_12_tebibytes_in_under_a_second_and_holds_nothing) {
  for (Backing backing : kBackings) {
    const auto start = std::chrono::steady_clock::now();
    const auto arena = must_open(kReservation, backing);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CHECK_LE(seconds.count(), 1.0);
    CHECK_EQ(resident(*arena), 0u);
  }
}

TEST(arena_gives_its_addresses_back_when_it_closes) {
  // 64 times 12 TiB is six times the address space of a process.
  for (Backing backing : kBackings) {
    for (int i = 0; i < 64; i++) must_open(kReservation, backing);
  }
}

TEST(arena_backs_strided_runs_and_returns_them) {
  for (Backing backing : kBackings) {
    for (Touch touch : {Touch::Lazy, Touch::Populate}) {
      const uint64_t stride = 16 * kPage;
      const auto arena = must_open(64 * stride, backing);
      const Range range{3 * kPage, 2 * kPage, stride, 5};
      CHECK_EQ(arena->commit({&range, 1}, touch), 0);
      CHECK_EQ(resident(*arena), 10 * kPage);
      for (uint64_t i = 0; i < 5; i++) {
        uint8_t* run = arena->base() + range.run(i);
        for (uint64_t b = 0; b < range.length; b += 97) CHECK_EQ((int)run[b], 0);
        memset(run, (int)i + 1, range.length);
      }
      CHECK_EQ(resident(*arena), 10 * kPage);  // writing inside committed ranges allocates nothing more
      const Range half{3 * kPage, kPage, stride, 5};
      CHECK_EQ(arena->release({&half, 1}), 0);
      CHECK_EQ(resident(*arena), 5 * kPage);
      for (uint64_t i = 0; i < 5; i++) CHECK_EQ((int)arena->base()[range.run(i) + kPage], (int)i + 1);
      CHECK_EQ(arena->commit({&half, 1}, touch), 0);
      for (uint64_t i = 0; i < 5; i++) CHECK_EQ((int)arena->base()[range.run(i)], 0);  // nothing old comes back
      CHECK_EQ(arena->release({&range, 1}), 0);
      CHECK_EQ(resident(*arena), 0u);
    }
  }
}

TEST(arena_refuses_ranges_that_are_unaligned_overlapping_or_outside) {
  for (Backing backing : kBackings) {
    const auto arena = must_open(64 * kPage, backing);
    const uint64_t huge = UINT64_MAX - kPage + 1;
    const Range bad[] = {
        {1, kPage, 0, 1},        {0, kPage - 1, 0, 1},     {0, 65 * kPage, 0, 1},      {64 * kPage, kPage, 0, 1},
        {0, 2 * kPage, kPage, 2}, {0, kPage, 0, 2},        {0, kPage, kPage, 65},      {0, 0, kPage, 4},
        {0, kPage, kPage, 0},    {huge, kPage, 0, 1},      {0, huge, 0, 1},            {kPage, kPage, huge, 2},
        {0, kPage, kPage, UINT64_MAX}, {UINT64_MAX, kPage, 0, 1}, {kPage, kPage, kPage + 8, 2},
    };
    for (const Range& range : bad) {
      CHECK_EQ(arena->commit({&range, 1}, Touch::Lazy), EINVAL);
      CHECK_EQ(arena->release({&range, 1}), EINVAL);
    }
    CHECK_EQ(resident(*arena), 0u);
    std::shared_ptr<Arena> none;
    CHECK_EQ(Arena::open({0, backing, false}, none), EINVAL);
    CHECK_EQ(Arena::open({kPage + 1, backing, false}, none), EINVAL);
    CHECK_EQ(Arena::open({UINT64_MAX - kPage + 1, backing, false}, none), EINVAL);
    CHECK(!none);
  }
}

TEST(arena_counts_what_a_plain_set_of_pages_counts) {
  const bool quick = getenv("TRIPTYCH_TEST_QUICK") != nullptr;
  for (Backing backing : kBackings) {
    Rng rng(7);
    const uint64_t pages = 512;
    const auto arena = must_open(pages * kPage, backing);
    std::set<uint64_t> held;
    for (int round = 0; round < (quick ? 100 : 1000); round++) {
      const uint64_t length = 1 + rng.below(4), stride = length + rng.below(8), count = 1 + rng.below(8);
      const uint64_t span = (count - 1) * stride + length, first = rng.below((int)(pages - span + 1));
      const Range range{first * kPage, length * kPage, stride * kPage, count};
      bool any = false;
      for (uint64_t i = 0; i < count; i++) for (uint64_t p = 0; p < length; p++) any |= held.contains(first + i * stride + p);
      const bool release = any;  // a commit is for ranges that hold nothing
      CHECK_EQ(release ? arena->release({&range, 1}) : arena->commit({&range, 1}, rng.below(2) ? Touch::Lazy : Touch::Populate), 0);
      for (uint64_t i = 0; i < count; i++) {
        for (uint64_t p = 0; p < length; p++) {
          if (release) held.erase(first + i * stride + p);
          else held.insert(first + i * stride + p);
        }
      }
      CHECK_EQ(resident(*arena), held.size() * kPage);
    }
  }
}

TEST(arena_commit_that_fails_leaves_nothing_behind) {
  // A page taken out of the mapping makes populating fail half way through a job, as a system out of memory would.
  const auto arena = must_open(64 * kPage, Backing::Anonymous);
  uint8_t* missing = arena->base() + 32 * kPage;
  CHECK_EQ(munmap(missing, kPage), 0);
  const Range ranges[] = {{0, 2 * kPage, 4 * kPage, 4}, {24 * kPage, kPage, 4 * kPage, 8}};
  CHECK_EQ(arena->commit(ranges, Touch::Populate), ENOMEM);
  CHECK(mmap(missing, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == missing);
  CHECK_EQ(resident(*arena), 0u);
  CHECK_EQ(arena->commit(ranges, Touch::Populate), 0);
  CHECK_EQ(resident(*arena), 16 * kPage);
}

TEST(arena_guard_lets_read_up_to_the_length_and_no_page_further) {
  for (Backing backing : kBackings) {
    const uint64_t stride = 8 * kPage;
    const auto arena = must_open(4 * stride, backing, true);
    CHECK_EQ(error_of_read(arena->base()), EFAULT);
    const Range range{0, 3 * kPage, stride, 2};
    CHECK_EQ(arena->commit({&range, 1}, Touch::Populate), 0);
    CHECK_EQ(error_of_read(arena->base()), EFAULT);  // committed is not yet exposed
    const Range shown{0, kPage + 10, stride, 2};
    CHECK_EQ(arena->expose({&shown, 1}), 0);
    for (uint64_t i = 0; i < 2; i++) {
      const uint8_t* run = arena->base() + range.run(i);
      CHECK_EQ(error_of_read(run + kPage + 9), 0);
      CHECK_EQ(error_of_read(run + 2 * kPage), EFAULT);
      CHECK_EQ((int)run[kPage + 9], 0);
      CHECK_EQ((int)run[kPage + 10], 0xFF);  // poison between the length and the end of its page
      CHECK_EQ((int)run[2 * kPage - 1], 0xFF);
    }
    CHECK_EQ(error_of_read(arena->base() + 2 * stride), EFAULT);
    CHECK_EQ(resident(*arena), 6 * kPage);
    const Range none{0, 0, stride, 2};
    CHECK_EQ(arena->expose({&none, 1}), 0);
    CHECK_EQ(error_of_read(arena->base()), EFAULT);
    const Range outside{3 * stride, kPage, stride, 2}, too_long{0, stride + 1, stride, 1};
    CHECK_EQ(arena->expose({&outside, 1}), EINVAL);
    CHECK_EQ(arena->expose({&too_long, 1}), EINVAL);
    CHECK_EQ(arena->release({&range, 1}), 0);
    CHECK_EQ(resident(*arena), 0u);
  }
}
