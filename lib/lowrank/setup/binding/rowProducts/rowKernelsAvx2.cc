// The kernels of rowProducts.h for processors with AVX2, fused multiplication and addition, and 16-bit floats.
#include <immintrin.h>
#define ROW_KERNELS kAvx2RowKernels
#include "rowKernels.inc"
