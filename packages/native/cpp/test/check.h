// A test framework in one page: TEST registers a function, CHECK* record failures and go on.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace triptych::test {

struct Case { const char* name; void (*run)(); };
std::vector<Case>& cases();
void fail(const char* file, int line, const std::string& what);

struct Register { Register(const char* name, void (*run)()) { cases().push_back({name, run}); } };

// xorshift64*: seeded, the same on every machine.
struct Rng {
  uint64_t state;
  explicit Rng(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t next() { state ^= state >> 12; state ^= state << 25; state ^= state >> 27; return state * 2685821657736338717ull; }
  int below(int n) { return (int)((next() >> 33) % (uint64_t)n); }
  float uniform() { return (float)(next() >> 40) * (1.0f / 16777216.0f); }            // [0, 1)
  float gauss() { float s = 0; for (int i = 0; i < 12; i++) s += uniform(); return s - 6.0f; }
};

}  // namespace triptych::test

#define TEST(id) \
  static void test_##id(); \
  static const ::triptych::test::Register register_##id{#id, test_##id}; \
  static void test_##id()
#define CHECK(cond) do { if (!(cond)) ::triptych::test::fail(__FILE__, __LINE__, #cond); } while (0)
#define CHECK_LE(a, b) do { const double a_ = (a), b_ = (b); if (!(a_ <= b_)) ::triptych::test::fail(__FILE__, __LINE__, \
  std::string(#a " <= " #b ": ") + std::to_string(a_) + " > " + std::to_string(b_)); } while (0)
#define CHECK_EQ(a, b) do { const auto a_ = (a); const auto b_ = (b); if (!(a_ == b_)) ::triptych::test::fail(__FILE__, __LINE__, \
  std::string(#a " == " #b ": ") + std::to_string(a_) + " vs " + std::to_string(b_)); } while (0)
