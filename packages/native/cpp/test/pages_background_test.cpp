// The arena's thread: every ticket given out is finished, in order, whatever else happens meanwhile.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <thread>

#include "check.h"
#include "pages/arena.h"
#include "pages/background.h"

using namespace triptych;
using namespace triptych::test;

namespace {

const uint64_t kPage = Arena::page_bytes();
#if defined(__linux__)
constexpr Backing kBacking = Backing::MemoryFile;
#else
constexpr Backing kBacking = Backing::Anonymous;
#endif

std::shared_ptr<Arena> must_open(uint64_t size) {
  std::shared_ptr<Arena> arena;
  CHECK_EQ(Arena::open({size, kBacking, false}, arena), 0);
  return arena;
}

uint64_t resident(const Arena& arena) {
  uint64_t bytes = 0;
  CHECK_EQ(arena.resident(bytes), 0);
  return bytes;
}

}  // namespace

TEST(background_a_wait_right_after_a_submit_always_sees_the_job_done) {
  // The race of the original: "running" was set inside the new thread, so a quick caller passed the wait.
  const auto arena = must_open(4096 * kPage);
  Background& background = arena->background();
  for (uint64_t i = 0; i < 1000; i++) {
    const uint64_t ticket = background.submit(Work::Commit, {{i * kPage, kPage, 0, 1}});
    CHECK_EQ(ticket, i + 1);
    background.wait(Work::Commit, ticket);
    CHECK_EQ(background.completed(Work::Commit), ticket);
    CHECK_EQ(resident(*arena), (i + 1) * kPage);
  }
}

TEST(background_a_release_submitted_after_a_commit_of_the_same_range_wins) {
  const auto arena = must_open(1024 * kPage);
  Background& background = arena->background();
  for (int round = 0; round < 100; round++) {
    uint64_t last = 0;
    for (uint64_t i = 0; i < 16; i++) {
      background.submit(Work::Commit, {{i * 32 * kPage, 2 * kPage, 4 * kPage, 8}});
      last = background.submit(Work::Release, {{i * 32 * kPage, 2 * kPage, 4 * kPage, 8}});
    }
    background.wait(Work::Release, last);
    CHECK_EQ(resident(*arena), 0u);
  }
}

TEST(background_slices_long_releases_to_the_last_byte) {
  const auto arena = must_open(64ull << 20);
  Background& background = arena->background();
  const uint64_t bytes = (9ull << 20) + kPage;
  const Range range{kPage, bytes, 16ull << 20, 3};
  CHECK_EQ(arena->commit({&range, 1}, Touch::Lazy), 0);
  CHECK_EQ(resident(*arena), 3 * bytes);
  const uint64_t release = background.submit(Work::Release, {range, {16ull << 20, kPage, 0, 1}});
  const uint64_t commit = background.submit(Work::Commit, {{12ull << 20, kPage, 0, 1}});
  background.wait(Work::Commit, commit);
  background.wait(Work::Release, release);
  CHECK_EQ(background.take_error(Work::Release, release), 0);
  CHECK_EQ(resident(*arena), kPage);
}

TEST(background_reports_a_failed_job_once_and_goes_on) {
  const auto arena = must_open(64 * kPage);
  Background& background = arena->background();
  const uint64_t bad = background.submit(Work::Commit, {{0, kPage, 0, 1}, {63 * kPage, 2 * kPage, 0, 1}});
  const uint64_t good = background.submit(Work::Commit, {{kPage, kPage, 0, 1}});
  const uint64_t wrong = background.submit(Work::Release, {{1, kPage, 0, 1}});
  background.wait(Work::Commit, good);
  background.wait(Work::Release, wrong);
  CHECK_EQ(background.take_error(Work::Commit, bad), EINVAL);
  CHECK_EQ(background.take_error(Work::Commit, bad), 0);
  CHECK_EQ(background.take_error(Work::Commit, good), 0);
  CHECK_EQ(background.take_error(Work::Release, wrong), EINVAL);
  CHECK_EQ(resident(*arena), kPage);
}

TEST(background_waiting_for_tickets_that_do_not_exist_does_not_hang) {
  const auto arena = must_open(64 * kPage);
  arena->background().wait(Work::Commit, 1);
  arena->background().wait(Work::Release, UINT64_MAX);
  CHECK_EQ(arena->background().completed(Work::Commit), 0u);
}

TEST(background_closing_with_work_queued_neither_hangs_nor_touches_freed_memory) {
  for (int round = 0; round < 50; round++) {
    const auto arena = must_open(4096 * kPage);
    for (uint64_t i = 0; i < 64; i++) {
      arena->background().submit(Work::Commit, {{i * 64 * kPage, 32 * kPage, 0, 1}});
      arena->background().submit(Work::Release, {{i * 64 * kPage, 32 * kPage, 0, 1}});
    }
  }
}

TEST(background_and_foreground_share_an_arena_without_races) {
  // One thread plays the step (commits now, writes, reads), others wait and submit; ranges never overlap.
  const bool quick = getenv("TRIPTYCH_TEST_QUICK") != nullptr;
  const int rounds = quick ? 50 : 400;
  const uint64_t lane = 64 * kPage;
  const auto arena = must_open(4 * lane);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (uint64_t t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      Background& background = arena->background();
      for (int round = 0; round < rounds; round++) {
        const Range now{t * lane, 2 * kPage, 8 * kPage, 4}, ahead{t * lane + 2 * kPage, kPage, 8 * kPage, 4};
        const uint64_t ticket = background.submit(Work::Commit, {ahead});
        if (arena->commit({&now, 1}, Touch::Lazy) != 0) wrong++;
        for (uint64_t i = 0; i < 4; i++) memset(arena->base() + now.run(i), (int)t + 1, now.length);
        background.wait(Work::Commit, ticket);
        for (uint64_t i = 0; i < 4; i++) memset(arena->base() + ahead.run(i), (int)t + 1, ahead.length);
        for (uint64_t i = 0; i < 4; i++) {
          for (uint64_t b = 0; b < 3 * kPage; b += 509) wrong += arena->base()[now.run(i) + b] != t + 1;
        }
        background.wait(Work::Release, background.submit(Work::Release, {now, ahead}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
  CHECK_EQ(resident(*arena), 0u);
}
