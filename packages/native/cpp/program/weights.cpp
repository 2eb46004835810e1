#include "weights.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/f16.h"
#include "core/memory.h"

namespace triptych {
namespace {

constexpr uint64_t kAlign = 64;          // a cache line: what the kernels' aligned loads need
constexpr uint64_t kSlack = 64 * 1024;   // prefetches may run this far past the last weight
constexpr uint64_t kHuge = 2ull << 20;
constexpr int kPanelsPerClaim = 4;

uint64_t align_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// A read-only view of a file that closes itself.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) { error = "cannot open " + path + ": " + std::strerror(errno); return; }
    struct stat info;
    if (fstat(fd_, &info) != 0) { error = "cannot stat " + path + ": " + std::strerror(errno); return; }
    size = (uint64_t)info.st_size;
    void* view = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd_, 0) : MAP_FAILED;
    if (view == MAP_FAILED) { error = "cannot map " + path + ": " + (size ? std::strerror(errno) : "the file is empty"); return; }
    data = static_cast<const uint8_t*>(view);
    madvise(view, size, MADV_SEQUENTIAL);
  }
  ~MappedFile() {
    if (data) munmap(const_cast<uint8_t*>(data), size);
    if (fd_ >= 0) close(fd_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Drops the page-table entries of a range that has been repacked; the page cache may keep it or not.
  void forget(uint64_t offset, uint64_t bytes) const {
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t first = align_up(offset, page), last = (offset + bytes) / page * page;
    if (last > first) madvise(const_cast<uint8_t*>(data) + first, last - first, MADV_DONTNEED);
  }

  const uint8_t* data = nullptr;
  uint64_t size = 0;
  std::string error;

 private:
  int fd_ = -1;
};

uint64_t source_bytes(const TensorSource& s) { return (uint64_t)s.n * row_bytes((WeightType)s.ggml_type, s.k); }

void widen(const TensorSource& s, const uint8_t* from, float* to) {
  if (s.ggml_type == (int)WeightType::F32) {
    std::memcpy(to, from, (size_t)s.k * 4);
    return;
  }
  for (int i = 0; i < s.k; i++) {
    uint16_t half;
    std::memcpy(&half, from + 2 * (size_t)i, 2);
    to[i] = s.ggml_type == (int)WeightType::F16 ? f16_to_f32(half) : bf16_to_f32(half);
  }
}

std::string check(const TensorSource& s, uint64_t file_size) {
  if (!weight_type_supported(s.ggml_type)) return "tensor " + s.name + ": type " + std::to_string(s.ggml_type) + " is not supported";
  const bool is_float = s.ggml_type == 0 || s.ggml_type == 1 || s.ggml_type == 30;
  if (s.vector && !is_float) return "tensor " + s.name + ": a vector must be F32, F16 or BF16";
  if (s.n < 1 || s.k < 1 || (!is_float && s.k % 32 != 0)) return "tensor " + s.name + ": bad shape";
  const uint64_t bytes = source_bytes(s);
  if (s.offset > file_size || bytes > file_size - s.offset) return "tensor " + s.name + ": ends beyond the file";
  return "";
}

}  // namespace

Weights::~Weights() {
  if (memory_) munmap(memory_, size_);
}

std::string Weights::load(const std::string& path, const std::vector<TensorSource>& sources, int threads,
                          LoadProgress& progress) {
  const MappedFile file(path);
  if (!file.error.empty()) return file.error;
  uint64_t total = 0;
  std::vector<uint64_t> places;
  for (const TensorSource& s : sources) {
    if (std::string error = check(s, file.size); !error.empty()) return error;
    places.push_back(total);
    const uint64_t bytes = s.vector ? (uint64_t)s.k * 4 : packed_bytes((WeightType)s.ggml_type, s.n, s.k);
    total += align_up(bytes, kAlign);
  }
  size_ = align_up(total + kSlack, kHuge);
  memory_ = static_cast<uint8_t*>(reserve_memory(size_));
  if (!memory_) {
    size_ = 0;
    return std::string("cannot allocate the weights: ") + std::strerror(errno);
  }

  Pool pool(threads);
  for (size_t i = 0; i < sources.size(); i++) {
    const TensorSource& s = sources[i];
    const uint8_t* from = file.data + s.offset;
    uint8_t* to = memory_ + places[i];
    if (progress.cancel.load()) return "cancelled";
    if (s.vector) {
      widen(s, from, reinterpret_cast<float*>(to));
      entries_.push_back({{WeightType::F32, 1, s.k, to}, reinterpret_cast<float*>(to), true});
    } else {
      const WeightType type = (WeightType)s.ggml_type;
      const int panels = panel_count(s.n);
      pool.run([&](const Worker& w) {
        for (int p; (p = w.take(kPanelsPerClaim)) < panels && !progress.cancel.load(std::memory_order_relaxed);)
          pack_panels(type, from, s.n, s.k, p, std::min(panels, p + kPanelsPerClaim), to);
      });
      entries_.push_back({{type, s.n, s.k, to}, nullptr, false});
    }
    file.forget(s.offset, source_bytes(s));
    progress.loaded_bytes.fetch_add(source_bytes(s));
  }
  return progress.cancel.load() ? "cancelled" : "";
}

}  // namespace triptych
