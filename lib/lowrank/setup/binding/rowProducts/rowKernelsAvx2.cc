// The kernels of rowProducts.h for processors with AVX2, FMA and F16C.
#include <immintrin.h>
#define ROW_KERNELS kAvx2RowKernels
#include "rowKernels.inc"
