// A function that is never compiled out of line. Two reasons: where files of several instruction sets share it, the linker
// would keep one file's copy for all; and GCC drops the call of a function that only prefetches, as it sees no effect in it.
#pragma once

#define TRIPTYCH_INLINE inline __attribute__((always_inline))
