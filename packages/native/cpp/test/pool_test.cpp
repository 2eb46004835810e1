#include "core/pool.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "check.h"

using namespace triptych;

TEST(pool_runs_every_worker_and_barriers_separate_phases) {
  for (int threads : {1, 2, 3, 5}) {
    Pool pool(threads);
    std::vector<int> a(threads), b(threads);
    for (int round = 0; round < 200; round++) {
      pool.run([&](const Worker& w) {
        a[w.index] = round + w.index;
        pool.sync();
        int sum = 0;
        for (int x : a) sum += x;
        b[w.index] = sum;
      });
      for (int i = 0; i < threads; i++) CHECK_EQ(b[i], round * threads + threads * (threads - 1) / 2);
    }
  }
}

TEST(pool_claims_each_unit_once_in_every_phase) {
  Pool pool(4);
  for (int round = 0; round < 100; round++) {
    std::vector<int> hits(97, 0), again(97, 0);
    pool.run([&](const Worker& w) {
      for (int i; (i = w.take(3)) < 97;) for (int j = i; j < i + 3 && j < 97; j++) hits[j]++;
      pool.sync();
      for (int i; (i = w.take(1)) < 97;) again[i]++;
    });
    for (int h : hits) CHECK_EQ(h, 1);
    for (int h : again) CHECK_EQ(h, 1);
  }
}

// The sanitizers need address space of their own; macOS does not hold anybody to this limit.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__APPLE__)
TEST(pool_is_smaller_where_the_system_refuses_threads) {
  const pid_t child = fork();
  if (child == 0) {
    // No room for another thread's stack.
    const rlimit limit{1, 1};
    setrlimit(RLIMIT_AS, &limit);
    Pool pool(64);
    int ran = 0;
    pool.run([&](const Worker& w) { __atomic_fetch_add(&ran, w.count, __ATOMIC_RELAXED); });
    _exit(pool.size() < 64 && ran == pool.size() * pool.size() ? 0 : 1);
  }
  int status = -1;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK_EQ(status, 0);
}
#endif
