#ifndef LOWRANK_FLOAT_KERNELS_H_
#define LOWRANK_FLOAT_KERNELS_H_

#include <stdint.h>

#include <algorithm>

#include "processor.h"

namespace tfnodejs {

// weight·exp(x - greatest - log_sum). Subtracting `greatest` first keeps the digits of small differences.
struct SoftmaxRow {
  float greatest, log_sum, weight;
};

// The values that all gradients of a row share.
struct GradientRow {
  float sum, scale;
};

// The operations of training on long rows, `n` numbers at a time.
struct FloatKernels {
  float (*greatest)(const float* x, int64_t n);
  float (*sum_of_exponentials)(const float* x, int64_t n, float maximum);     // of x - maximum
  float (*exponentials)(const float* x, int64_t n, float maximum, float* y);  // exp(x - maximum); returns their sum
  void (*weighted_softmax)(const float* x, int64_t n, const SoftmaxRow& row, float* y);
  void (*masked)(const float* x, const float* mask, int64_t n, float scale, float* y);  // x·scale + mask
  void (*scaled)(const float* x, int64_t n, float scale, float* y);
  float (*sum_of_products)(const float* x, const float* y, int64_t n);
  void (*softmax_gradients)(const float* dy, const float* y, int64_t n, const GradientRow& row, float* dx);  // y·(dy - sum)·scale
  // x·cos + x'·sin, where x' is x with its halves swapped
  void (*rotated)(const float* x, const float* cos, const float* sin, int64_t n, float* y);
  // y = SiLU(gate)·up with SiLU(x) = x·σ(x)
  void (*swiglu)(const float* gate, const float* up, int64_t n, float* y);
  void (*swiglu_gradients)(const float* dy, const float* gate, const float* up, int64_t n, float* dgate, float* dup);
  void (*from_bfloat16)(const uint16_t* x, int64_t n, float* y);
  void (*to_bfloat16)(const float* x, int64_t n, uint16_t* y);
};

// The same functions for any processor, for AVX2 and for AVX-512.
extern const FloatKernels kPortableFloatKernels;
extern const FloatKernels kAvx2FloatKernels;
extern const FloatKernels kAvx512FloatKernels;

// The set for this processor.
inline const FloatKernels& ProcessorsFloatKernels() {
  if (HasAvx512()) return kAvx512FloatKernels;
  if (HasAvx2()) return kAvx2FloatKernels;
  return kPortableFloatKernels;
}

constexpr int64_t kSpan = 1024;  // numbers per step; they fit in the nearest cache

// Reads float32 or bfloat16 numbers as spans of float32.
class Source {
 public:
  Source(const void* data, bool is_half) : data_(data), is_half_(is_half) {}
  const float* Span(int64_t begin, int64_t n) {
    if (!is_half_) return static_cast<const float*>(data_) + begin;
    ProcessorsFloatKernels().from_bfloat16(static_cast<const uint16_t*>(data_) + begin, n, span_);
    return span_;
  }

 private:
  const void* const data_;
  const bool is_half_;
  float span_[kSpan];
};

// Writes spans of float32 as float32 or bfloat16.
class Sink {
 public:
  Sink(void* data, bool is_half) : data_(data), is_half_(is_half) {}
  float* Span(int64_t begin) { return is_half_ ? span_ : static_cast<float*>(data_) + begin; }
  void Keep(int64_t begin, int64_t n) {
    if (is_half_) ProcessorsFloatKernels().to_bfloat16(span_, n, static_cast<uint16_t*>(data_) + begin);
  }

 private:
  void* const data_;
  const bool is_half_;
  float span_[kSpan];
};

// Calls `run` with the start and length of each span.
template <class Run>
void ForSpans(int64_t begin, int64_t end, Run run) {
  for (; begin < end; begin += kSpan) run(begin, std::min(kSpan, end - begin));
}

}  // namespace tfnodejs

#endif  // LOWRANK_FLOAT_KERNELS_H_
