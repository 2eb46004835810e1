// Runs every registered test whose name contains argv[1]; prints "N passed, N failed".
#include <cstring>

#include "check.h"

namespace triptych::test {
static int failures = 0;
std::vector<Case>& cases() { static std::vector<Case> all; return all; }
void fail(const char* file, int line, const std::string& what) {
  failures++;
  if (failures <= 50) std::printf("  %s:%d: %s\n", file, line, what.c_str());
}
}  // namespace triptych::test

int main(int argc, char** argv) {
  using namespace triptych::test;
  int passed = 0, failed = 0;
  for (const Case& c : cases()) {
    if (argc > 1 && !std::strstr(c.name, argv[1])) continue;
    const int before = failures;
    c.run();
    const bool ok = failures == before;
    (ok ? passed : failed)++;
    std::printf("%s %s\n", ok ? "ok  " : "FAIL", c.name);
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
