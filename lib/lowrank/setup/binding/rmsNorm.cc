// Normalisation by the root mean square, which XLA calls by its names: two passes over a row while it is near the processor.
//
//   lowrank_rms_norm(x, weight; eps) -> y, scales
//   lowrank_rms_norm_slopes(dy, x, weight, scales) -> dx
//   x, y, dy, dx (rows, width): float32 or bfloat16; weight (width), scales (rows): float32
//   scales: 1 / √(mean of the row's squares + eps)
#include <math.h>

#include "floatKernels.h"
#include "kernelCalls.h"
#include "kernels.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;
using Any = ffi::AnyBuffer;
using Numbers = ffi::Buffer<ffi::F32>;

// Whether rows, a weight and the scales of the rows fit each other.
bool AreRows(const Any& x, const Numbers& weight, const Numbers& scales) {
  const auto shape = x.dimensions();
  return shape.size() == 2 && IsFloat(x) && HasCount(weight, shape[1]) && HasCount(scales, shape[0]);
}

ffi::Error RmsNorm(ffi::ThreadPool pool, Any x, Numbers weight, ffi::Result<Any> y, ffi::Result<Numbers> scales, float eps) {
  if (!AreRows(x, weight, *scales) || !IsFloat(*y) || !HasCount(*y, x.element_count())) {
    return ffi::Error::InvalidArgument("RMSNorm takes (rows, width) and a weight (width)");
  }
  const int64_t rows = x.dimensions()[0], width = x.dimensions()[1];
  const FloatKernels& kernels = ProcessorsFloatKernels();
  const float* weights = weight.typed_data();
  RunOnRows(pool, rows, width, [&](int64_t row) {
    Source source = SourceOf(x);
    Sink sink = SinkOf(y);
    const int64_t first = row * width;
    double sum = 0;
    ForSpans(first, first + width, [&](int64_t begin, int64_t n) {
      const float* span = source.Span(begin, n);
      sum += kernels.sum_of_products(span, span, n);
    });
    const float scale = 1 / sqrt(sum / width + eps);
    ForSpans(first, first + width, [&](int64_t begin, int64_t n) {
      kernels.normalized(source.Span(begin, n), weights + begin - first, n, scale, sink.Span(begin));
      sink.Keep(begin, n);
    });
    scales->typed_data()[row] = scale;
  });
  return ffi::Error::Success();
}

ffi::Error RmsNormSlopes(ffi::ThreadPool pool, Any dy, Any x, Numbers weight, Numbers scales, ffi::Result<Any> dx) {
  const int64_t count = x.element_count();
  if (!AreRows(x, weight, scales) || !IsFloat(dy) || !HasCount(dy, count) || !IsFloat(*dx) || !HasCount(*dx, count)) {
    return ffi::Error::InvalidArgument("RMSNorm's slopes are of one size with its rows");
  }
  const int64_t rows = x.dimensions()[0], width = x.dimensions()[1];
  const FloatKernels& kernels = ProcessorsFloatKernels();
  const float* weights = weight.typed_data();
  RunOnRows(pool, rows, width, [&](int64_t row) {
    Source slopes = SourceOf(dy), source = SourceOf(x);
    Sink sink = SinkOf(dx);
    const int64_t first = row * width;
    const float scale = scales.typed_data()[row];
    double sum = 0;
    ForSpans(first, first + width, [&](int64_t begin, int64_t n) {
      sum += kernels.sum_of_norm_slopes(slopes.Span(begin, n), source.Span(begin, n), weights + begin - first, n);
    });
    const SlopesRow common = {static_cast<float>(sum / width * scale * scale), scale};
    ForSpans(first, first + width, [&](int64_t begin, int64_t n) {
      kernels.norm_slopes(slopes.Span(begin, n), source.Span(begin, n), weights + begin - first, n, common, sink.Span(begin));
      sink.Keep(begin, n);
    });
  });
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER(kRmsNorm, RmsNorm,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Numbers>().Ret<Any>().Ret<Numbers>().Attr<float>("eps"));
XLA_FFI_DEFINE_HANDLER(kRmsNormSlopes, RmsNormSlopes,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Any>().Arg<Numbers>().Arg<Numbers>().Ret<Any>());

}  // namespace

bool RegisterRmsNorm() {
  static const bool is_known = RegisterKernel("lowrank_rms_norm", kRmsNorm) && RegisterKernel("lowrank_rms_norm_slopes", kRmsNormSlopes);
  return is_known;
}

}  // namespace tfnodejs
