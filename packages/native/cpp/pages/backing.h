// The operating system's side of an arena, one function per verb. All return 0 or an errno value.
#pragma once
#include <cstdint>

namespace triptych::backing {

uint64_t page_bytes();

// A sparse memory file of `size` bytes, mapped once. ENOSYS where the system has no memory files.
int map_file(uint64_t size, bool accessible, int& file, uint8_t*& base);
int map_anonymous(uint64_t size, bool accessible, uint8_t*& base);
void unmap(uint8_t* base, uint64_t size, int file);

int allocate_file(int file, uint64_t offset, uint64_t length);
int punch_file(int file, uint64_t offset, uint64_t length);
int file_bytes(int file, uint64_t& bytes);

// Makes every page of an accessible range present. Existing content stays.
int populate(uint8_t* address, uint64_t length);
// Drops the pages of a private anonymous range; it reads as zero afterwards and keeps its protection.
int discard(uint8_t* address, uint64_t length, bool accessible);
int resident_bytes(uint8_t* address, uint64_t length, uint64_t& bytes);
int protect(uint8_t* address, uint64_t length, bool accessible);

}  // namespace triptych::backing
