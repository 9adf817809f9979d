// The kernels of floatKernels.h for any processor.
#define FLOAT_KERNELS kPortableFloatKernels
#include "floatKernels.inc"
