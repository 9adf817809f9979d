// Attention weights, softmax(scores·scale + mask), as custom calls of XLA.
//
//   lowrank_masked_softmax(scores, mask; scale) -> weights
//   lowrank_masked_softmax_gradients(gradients, weights; scale) -> score_gradients
//   mask (b, t, size): float32; the others (batch·heads, queries, size): float32 or bfloat16; b is the batch or 1, t the queries or 1
#include <vector>

#include "floatKernels.h"
#include "kernelCalls.h"
#include "kernels.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;
using Any = ffi::AnyBuffer;
using Numbers = ffi::Buffer<ffi::F32>;

ffi::Error MaskedSoftmax(ffi::ThreadPool pool, Any scores, Numbers mask, ffi::Result<Any> weights, float scale) {
  const auto shape = scores.dimensions(), masks = mask.dimensions();
  const bool fits = shape.size() == 3 && masks.size() == 3 && shape[2] == masks[2] && (masks[1] == 1 || masks[1] == shape[1]) &&
                    masks[0] > 0 && shape[0] % masks[0] == 0 && IsFloat(scores) && IsFloat(*weights) &&
                    HasCount(*weights, scores.element_count());
  if (!fits) return ffi::Error::InvalidArgument("a masked softmax takes scores (batch·heads, queries, size) and a mask that fits them");
  const int64_t queries = shape[1], size = shape[2], sharing = shape[0] / masks[0];
  const FloatKernels& kernels = ProcessorsFloatKernels();
  RunOnRows(pool, shape[0] * queries, size, [&](int64_t row) {
    const int64_t first = row * size;
    const float* hidden = mask.typed_data() + (row / queries / sharing * masks[1] + row % queries % masks[1]) * size;
    Source source = SourceOf(scores);
    Sink sink = SinkOf(weights);
    thread_local std::vector<float> values;
    values.resize(size);
    ForSpans(0, size, [&](int64_t begin, int64_t n) {
      kernels.masked(source.Span(first + begin, n), hidden + begin, n, scale, values.data() + begin);
    });
    const float sum = kernels.exponentials(values.data(), size, kernels.greatest(values.data(), size), values.data());
    ForSpans(0, size, [&](int64_t begin, int64_t n) {
      kernels.scaled(values.data() + begin, n, 1 / sum, sink.Span(first + begin));
      sink.Keep(first + begin, n);
    });
  });
  return ffi::Error::Success();
}

ffi::Error MaskedSoftmaxGradients(ffi::ThreadPool pool, Any gradients, Any weights, ffi::Result<Any> score_gradients, float scale) {
  const auto shape = weights.dimensions();
  bool fits = shape.size() == 3;
  for (const Any& buffer : {gradients, weights, Any(*score_gradients)}) {
    fits = fits && IsFloat(buffer) && HasCount(buffer, weights.element_count());
  }
  if (!fits) return ffi::Error::InvalidArgument("a masked softmax's gradients are of one size with its weights");
  const int64_t size = shape[2];
  const FloatKernels& kernels = ProcessorsFloatKernels();
  RunOnRows(pool, shape[0] * shape[1], size, [&](int64_t row) {
    const int64_t first = row * size;
    Source given = SourceOf(gradients), source = SourceOf(weights);
    Sink sink = SinkOf(score_gradients);
    double sum = 0;
    ForSpans(first, first + size,
             [&](int64_t begin, int64_t n) { sum += kernels.sum_of_products(given.Span(begin, n), source.Span(begin, n), n); });
    const GradientRow common = {static_cast<float>(sum), scale};
    ForSpans(first, first + size, [&](int64_t begin, int64_t n) {
      kernels.softmax_gradients(given.Span(begin, n), source.Span(begin, n), n, common, sink.Span(begin));
      sink.Keep(begin, n);
    });
  });
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER(kMaskedSoftmax, MaskedSoftmax,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Numbers>().Ret<Any>().Attr<float>("scale"));
XLA_FFI_DEFINE_HANDLER(kMaskedSoftmaxGradients, MaskedSoftmaxGradients,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Any>().Ret<Any>().Attr<float>("scale"));

}  // namespace

bool RegisterMaskedSoftmax() {
  static const bool is_known = RegisterKernel("lowrank_masked_softmax", kMaskedSoftmax) &&
                               RegisterKernel("lowrank_masked_softmax_gradients", kMaskedSoftmaxGradients);
  return is_known;
}

}  // namespace tfnodejs
