// Model weights in memory: matrices repacked for the linear kernels, vectors as float.
//
// Loading maps the file, repacks tensor by tensor on all threads and lets go of each source range when it is
// done, so never more than one full copy is held (plus the range in work).
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/pool.h"
#include "linear/linear.h"

namespace triptych {

// Where a tensor lies in the file. A matrix has n rows of k columns; a vector has n == 1.
struct TensorSource {
  std::string name;
  int ggml_type = 0;
  int n = 0;
  int k = 0;
  uint64_t offset = 0;  // from the start of the file
  bool vector = false;  // kept as float32 [k]
};

// Shared between the loading thread and whoever watches it.
struct LoadProgress {
  std::atomic<uint64_t> loaded_bytes{0};
  std::atomic<bool> cancel{false};
};

class Weights {
 public:
  Weights() = default;
  ~Weights();
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  // Loads all tensors; returns an error text, or "" on success. Call once.
  std::string load(const std::string& path, const std::vector<TensorSource>& sources, int threads, LoadProgress& progress);

  int count() const { return (int)entries_.size(); }
  // Null when tensor i is of the other kind.
  const PackedWeights* matrix(int i) const { return entries_[i].vector ? nullptr : &entries_[i].packed; }
  const float* vector(int i) const { return entries_[i].vector ? entries_[i].values : nullptr; }
  int columns(int i) const { return entries_[i].packed.k; }
  uint64_t bytes() const { return size_; }

 private:
  struct Entry {
    PackedWeights packed{};
    const float* values = nullptr;
    bool vector = false;
  };

  uint8_t* memory_ = nullptr;  // one huge-page friendly region for everything
  uint64_t size_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace triptych
