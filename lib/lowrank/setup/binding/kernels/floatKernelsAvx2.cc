// The kernels of floatKernels.h for processors with AVX2 and FMA.
#include <immintrin.h>
#define FLOAT_KERNELS kAvx2FloatKernels
#include "floatKernels.inc"
