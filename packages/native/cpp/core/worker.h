// What a kernel phase knows of the threads it runs on. No std:: here: instruction-set files include it.
#pragma once

namespace triptych {

// One thread of `count` that run the same phase. Work is either split by index or claimed with take().
struct Worker {
  int index;
  int count;
  int* next;  // shared claim counter, set to 0 by the executor before each phase

  // Claims `n` units and returns the first; units at or beyond the task's total do not exist.
  int take(int n) const { return __atomic_fetch_add(next, n, __ATOMIC_RELAXED); }
};

}  // namespace triptych
