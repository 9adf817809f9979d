#ifndef LOWRANK_FLOAT_KERNELS_H_
#define LOWRANK_FLOAT_KERNELS_H_

#include <stdint.h>

#include <algorithm>

#include "processor.h"

namespace tfnodejs {

// weight·exp(x - greatest - log_sum): what is near 0 by the greatest keeps its digits.
struct SoftmaxRow {
  float greatest, log_sum, weight;
};

// What the gradients of a row have in common.
struct GradientRow {
  float sum, scale;
};

// What training does with long rows of numbers, `n` at a time.
struct FloatKernels {
  float (*greatest)(const float* x, int64_t n);
  float (*sum_of_exponentials)(const float* x, int64_t n, float maximum);     // of x - maximum
  float (*exponentials)(const float* x, int64_t n, float maximum, float* y);  // e to the power of x - maximum, and the sum of these
  void (*weighted_softmax)(const float* x, int64_t n, const SoftmaxRow& row, float* y);
  void (*masked)(const float* x, const float* mask, int64_t n, float scale, float* y);  // x·scale + mask
  void (*scaled)(const float* x, int64_t n, float scale, float* y);
  float (*sum_of_products)(const float* x, const float* y, int64_t n);
  void (*softmax_gradients)(const float* dy, const float* y, int64_t n, const GradientRow& row, float* dx);  // y·(dy - sum)·scale
  // x·cos + x'·sin, where x' has the halves of x in the other order
  void (*rotated)(const float* x, const float* cos, const float* sin, int64_t n, float* y);
  // y = SiLU(gate)·up with SiLU(x) = x·σ(x)
  void (*swiglu)(const float* gate, const float* up, int64_t n, float* y);
  void (*swiglu_gradients)(const float* dy, const float* gate, const float* up, int64_t n, float* dgate, float* dup);
  void (*from_bfloat16)(const uint16_t* x, int64_t n, float* y);
  void (*to_bfloat16)(const float* x, int64_t n, uint16_t* y);
};

// The same functions, for any processor, for one with AVX2, and for one with AVX-512.
extern const FloatKernels kPortableFloatKernels;
extern const FloatKernels kAvx2FloatKernels;
extern const FloatKernels kAvx512FloatKernels;

// Those of this processor.
inline const FloatKernels& ProcessorsFloatKernels() {
  if (HasAvx512()) return kAvx512FloatKernels;
  if (HasAvx2()) return kAvx2FloatKernels;
  return kPortableFloatKernels;
}

constexpr int64_t kSpan = 1024;  // numbers that are worked on at a time, near enough to the processor

// Numbers in float32 or bfloat16, read by spans as float32.
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

// Numbers in float32 or bfloat16, made by spans as float32.
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

// Calls `run` with each span's begin and length.
template <class Run>
void ForSpans(int64_t begin, int64_t end, Run run) {
  for (; begin < end; begin += kSpan) run(begin, std::min(kSpan, end - begin));
}

}  // namespace tfnodejs

#endif  // LOWRANK_FLOAT_KERNELS_H_
