// The kernels of rowProducts.h for any processor.
#define ROW_KERNELS kPortableRowKernels
#include "rowKernels.inc"
