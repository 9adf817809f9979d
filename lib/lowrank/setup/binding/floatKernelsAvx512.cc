// The kernels of floatKernels.h for processors with AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>
#define FLOAT_KERNELS kAvx512FloatKernels
#include "floatKernels.inc"
#endif
