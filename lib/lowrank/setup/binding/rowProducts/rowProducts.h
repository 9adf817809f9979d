#ifndef LOWRANK_ROW_PRODUCTS_H_
#define LOWRANK_ROW_PRODUCTS_H_

#include <stdint.h>

namespace tfnodejs {

// y = x·Wᵀ for a weight W (out, in) in its stored format and a few rows of x.
struct RowProduct {
  const float* x;       // (blocks, n, 32): the rows' blocks of 32 values interleaved, zeros past the width
  const float* x_sums;  // (blocks, 8), for a single row: the sum of each lane's four values in a block
  const uint8_t* weight;
  const float* row_scales;  // (out), the value of code 127 in each row; or null
  float* y;                 // (n, out)
  int64_t n, in, out;
  int64_t row_bytes;  // the stride of the weight's rows
};

constexpr int64_t kBlock = 32;                                        // values unpacked at a time
constexpr int64_t kQ4_0Bytes = 18, kQ4_1Bytes = 20, kQ8_0Bytes = 34;  // bytes of a block of kBlock values
constexpr int64_t kFewRows = 8;                                       // with more rows of x, a weight is unpacked once for all of them

// Computes the outputs from `begin` to `end`, without `end`.
using RowKernel = void (*)(const RowProduct& product, int64_t begin, int64_t end);

// y = x·W for a weight W (in, out) of 32-bit floats and a few rows of x.
struct ColumnProduct {
  const float* x;  // (n, in)
  const float* weight;
  int64_t n, in, out;
};

// Adds the contribution of the inputs from `begin` to `end`, without `end`, to `y` (n, out).
using ColumnKernel = void (*)(const ColumnProduct& product, int64_t begin, int64_t end, float* y);

// One kernel per weight format.
struct RowKernels {
  RowKernel float32, bfloat16, int8, q4_0, q4_1, q8_0;
  ColumnKernel columns;
};

// The same functions for any processor and for AVX2.
extern const RowKernels kPortableRowKernels;
extern const RowKernels kAvx2RowKernels;

}  // namespace tfnodejs

#endif  // LOWRANK_ROW_PRODUCTS_H_
