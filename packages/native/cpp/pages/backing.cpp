#include "pages/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/memory.h"

namespace triptych::backing {
namespace {

int protection(bool accessible) { return accessible ? PROT_READ | PROT_WRITE : PROT_NONE; }

// Terabytes of reservation must not be copied to children or written into a core dump, and a huge page
// would hold memory that nobody counted.
void advise(uint8_t* base, uint64_t size) {
#if defined(__linux__)
  madvise(base, size, MADV_DONTFORK);
  madvise(base, size, MADV_DONTDUMP);
  madvise(base, size, MADV_NOHUGEPAGE);
#else
  (void)base, (void)size;
#endif
}

}  // namespace

uint64_t page_bytes() {
  static const uint64_t bytes = (uint64_t)sysconf(_SC_PAGESIZE);
  return bytes;
}

int map_file(uint64_t size, bool accessible, int& file, uint8_t*& base) {
#if defined(__linux__)
  const int fd = memfd_create("triptych-kv", MFD_CLOEXEC);
  if (fd < 0) return errno;
  void* p = MAP_FAILED;
  if (ftruncate(fd, (off_t)size) == 0) p = mmap(nullptr, size, protection(accessible), MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (p == MAP_FAILED) {
    const int error = errno;
    ::close(fd);
    return error;
  }
  file = fd;
  base = static_cast<uint8_t*>(p);
  advise(base, size);
  return 0;
#else
  (void)size, (void)accessible, (void)file, (void)base;
  return ENOSYS;
#endif
}

int map_anonymous(uint64_t size, bool accessible, uint8_t*& base) {
  void* p = mmap(nullptr, size, protection(accessible), MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return errno;
  base = static_cast<uint8_t*>(p);
  advise(base, size);
  return 0;
}

void unmap(uint8_t* base, uint64_t size, int file) {
  if (base) munmap(base, size);
  if (file >= 0) ::close(file);
}

int allocate_file(int file, uint64_t offset, uint64_t length) {
#if defined(__linux__)
  // In pieces: a signal interrupts fallocate, which then undoes all its work and has to begin again.
  constexpr uint64_t kPiece = 8ull << 20;
  while (length > 0) {
    const uint64_t n = std::min(length, kPiece);
    if (fallocate(file, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n) != 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    offset += n;
    length -= n;
  }
  return 0;
#else
  (void)file, (void)offset, (void)length;
  return ENOSYS;
#endif
}

int punch_file(int file, uint64_t offset, uint64_t length) {
#if defined(__linux__)
  while (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
#else
  (void)file, (void)offset, (void)length;
  return ENOSYS;
#endif
}

int file_bytes(int file, uint64_t& bytes) {
  struct stat status;
  if (fstat(file, &status) != 0) return errno;
  bytes = (uint64_t)status.st_blocks * 512;
  return 0;
}

int populate(uint8_t* address, uint64_t length) {
#if defined(__linux__) && defined(MADV_POPULATE_WRITE)
  for (;;) {
    if (madvise(address, length, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno != EINVAL) return errno;
    break;  // a kernel before 5.14
  }
#endif
  for (uint64_t at = 0; at < length; at += page_bytes()) {
    volatile uint8_t* byte = address + at;
    *byte = *byte;
  }
  return 0;
}

int discard(uint8_t* address, uint64_t length, bool accessible) {
#if defined(__linux__)
  (void)accessible;
  return madvise(address, length, MADV_DONTNEED) == 0 ? 0 : errno;
#else
  // Elsewhere MADV_DONTNEED is a hint; a new mapping in the same place frees for certain.
  void* p = mmap(address, length, protection(accessible), MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  return p == MAP_FAILED ? errno : 0;
#endif
}

int resident_bytes(uint8_t* address, uint64_t length, uint64_t& bytes) {
#if defined(__linux__)
  using Flags = unsigned char;
#else
  using Flags = char;
#endif
  const uint64_t page = page_bytes(), window = page << 16;
  std::vector<Flags> flags(std::min<uint64_t>(length / page, 1 << 16));
  uint64_t pages = 0;
  for (uint64_t at = 0; at < length; at += window) {
    const uint64_t n = std::min(window, length - at);
    if (mincore(address + at, n, flags.data()) != 0) return errno;
    for (uint64_t i = 0; i < n / page; i++) pages += flags[i] & 1;
  }
  bytes = pages * page;
  return 0;
}

int protect(uint8_t* address, uint64_t length, bool accessible) {
  return mprotect(address, length, protection(accessible)) == 0 ? 0 : errno;
}

}  // namespace triptych::backing
