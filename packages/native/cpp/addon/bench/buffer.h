// Memory for benchmarks: larger than any cache and on huge pages, so that what is measured is the memory itself
// and neither page walks nor the page ends that stop hardware prefetchers.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

namespace triptych {

class BenchBuffer {
 public:
  // Zeroed and touched; a slack of 64 KiB at the end lets prefetches run over. `data()` is null when memory is short.
  explicit BenchBuffer(size_t bytes) {
    constexpr size_t kHuge = size_t(2) << 20;
    bytes_ = (bytes + (64 << 10) + kHuge - 1) / kHuge * kHuge;
    data_ = static_cast<uint8_t*>(aligned_alloc(kHuge, bytes_));
    if (data_ == nullptr) return;
    prefer_huge_pages(data_, bytes_);
    memset(data_, 0, bytes_);
  }
  ~BenchBuffer() { free(data_); }
  BenchBuffer(const BenchBuffer&) = delete;
  BenchBuffer& operator=(const BenchBuffer&) = delete;

  uint8_t* data() const { return data_; }
  template <class T> T* as() const { return reinterpret_cast<T*>(data_); }

 private:
  uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace triptych
