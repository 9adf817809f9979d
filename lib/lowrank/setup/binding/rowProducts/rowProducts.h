#ifndef LOWRANK_ROW_PRODUCTS_H_
#define LOWRANK_ROW_PRODUCTS_H_

#include <stdint.h>

namespace tfnodejs {

// y = x·Wᵀ for a weight W (out, in) as it is stored, and few rows of x.
struct RowProduct {
  const float* x;       // (blocks, n, 32): each row's block of 32 values beside the other rows', zeros beyond the width
  const float* x_sums;  // (blocks, 8), of an only row: each lane's four values of a block
  const uint8_t* weight;
  const float* row_scales;  // (out), the row's value at 127, or null
  float* y;                 // (n, out)
  int64_t n, in, out;
  int64_t row_bytes;  // from one row of the weight to the next
};

constexpr int64_t kBlock = 32;                                        // values that are unpacked at a time
constexpr int64_t kQ4_0Bytes = 18, kQ4_1Bytes = 20, kQ8_0Bytes = 34;  // of a block, which has kBlock values
constexpr int64_t kFewRows = 8;                                       // with more rows of x a weight is unpacked once for all of them

// Computes the outputs from `begin` up to but not including `end`.
using RowKernel = void (*)(const RowProduct& product, int64_t begin, int64_t end);

// y = x·W for a weight W (in, out) of 32-bit floats, and few rows of x.
struct ColumnProduct {
  const float* x;  // (n, in)
  const float* weight;
  int64_t n, in, out;
};

// Adds to `y` (n, out) what the inputs from `begin` up to but not including `end` give.
using ColumnKernel = void (*)(const ColumnProduct& product, int64_t begin, int64_t end, float* y);

// One for each way to store a weight.
struct RowKernels {
  RowKernel float32, bfloat16, int8, q4_0, q4_1, q8_0;
  ColumnKernel columns;
};

// The same functions, for any processor and for one with AVX2.
extern const RowKernels kPortableRowKernels;
extern const RowKernels kAvx2RowKernels;

}  // namespace tfnodejs

#endif  // LOWRANK_ROW_PRODUCTS_H_
