// Memory straight from the system: the one place that knows which of its wishes the systems have in common.
#pragma once
#include <stddef.h>
#include <sys/mman.h>

// FreeBSD has no such flag.
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

namespace triptych {

// Asks for huge pages in this range. A wish: only Linux knows it, and a kernel without them says no.
inline void prefer_huge_pages(void* address, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  madvise(address, bytes, MADV_HUGEPAGE);
#else
  (void)address, (void)bytes;
#endif
}

// Zeroed memory on huge pages where there are any, for munmap. Reserved, not touched: a page costs memory from its first
// write. Null, with errno, when the system refuses.
inline void* reserve_memory(size_t bytes) {
  void* region = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED) return nullptr;
  prefer_huge_pages(region, bytes);
  return region;
}

}  // namespace triptych
