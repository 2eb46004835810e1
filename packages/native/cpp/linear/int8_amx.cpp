// Int8 kernels with AMX tiles.
#include <immintrin.h>

#include "linear/kernels.h"

namespace triptych {

const LinearKernels kLinearAmx{quantize_avx512, int8_panels_avx512, float_panels_avx512};

}  // namespace triptych
