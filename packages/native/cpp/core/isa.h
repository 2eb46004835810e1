// The instruction sets kernels exist for, and which of them this processor has.
#pragma once
#include <stdint.h>

namespace triptych {

// Ordered: a level includes those below it. Amx runs the Avx512 kernels and adds AMX tiles for linear layers.
enum class Isa : uint8_t { Portable = 0, Avx2 = 1, Avx512 = 2, Amx = 3 };

// The best level this processor and operating system allow (asks Linux for AMX tile permission once).
Isa detect_isa();

// "portable", "avx2", "avx512", "amx".
const char* isa_name(Isa isa);

}  // namespace triptych
