// The kernels of floatKernels.h for processors with AVX-512.
#include <immintrin.h>
#define FLOAT_KERNELS kAvx512FloatKernels
#include "floatKernels.inc"
