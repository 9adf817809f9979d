// The cross-entropy of many logits, which XLA calls by its names.
//
// TensorFlow's own takes five passes over 32-bit floats, most of them by one number at a time. Here the loss takes two and its gradient
// one, and logits that a product gave in bfloat16 are read as they are. Rows whose weight is 0 are not read.
//
//   lowrank_cross_entropy(logits, labels, weights) -> losses, log_sums
//   lowrank_cross_entropy_slopes(logits, labels, weights, log_sums) -> slopes
//   logits, slopes (n, size): float32 or bfloat16; labels (n): int32; weights, losses, log_sums (n): float32
#include <math.h>

#include <string>

#include "floatKernels.h"
#include "kernelCalls.h"
#include "kernels.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;
using Numbers = ffi::Buffer<ffi::F32>;
using Labels = ffi::Buffer<ffi::S32>;

// One row of logits, and what is asked of it.
struct Row {
  int64_t index, begin, size, label;  // its numbers are those from `begin`, and of these the label's is number `label`
  float weight;
};

// What both calls take.
struct Given {
  ffi::AnyBuffer logits;
  Labels labels;
  Numbers weights;

  Source Logits() const { return Source(logits.untyped_data(), logits.element_type() == ffi::BF16); }
};

constexpr int64_t kPartRows = 4;

// Calls `run` for every row, by several threads.
template <class Run>
ffi::Error ForRows(ffi::ThreadPool& pool, const Given& given, Run run) {
  const int64_t rows = given.logits.dimensions()[0], size = given.logits.dimensions()[1];
  const int32_t* labels = given.labels.typed_data();
  for (int64_t n = 0; n < rows; n++) {
    if (labels[n] < 0 || labels[n] >= size) {
      return ffi::Error::InvalidArgument("cross-entropy: label " + std::to_string(labels[n]) + " is none of " + std::to_string(size));
    }
  }
  RunOnPool(pool, (rows + kPartRows - 1) / kPartRows, [&](int64_t part) {
    for (int64_t n = part * kPartRows; n < std::min(rows, (part + 1) * kPartRows); n++) {
      run(Row{n, n * size, size, labels[n], given.weights.typed_data()[n]});
    }
  });
  return ffi::Error::Success();
}

// The logarithm of the sum of the exponentials.
float LogSum(Source& logits, const Row& row) {
  const FloatKernels& kernels = ProcessorsFloatKernels();
  const int64_t end = row.begin + row.size;
  float maximum = -INFINITY;
  ForSpans(row.begin, end, [&](int64_t begin, int64_t n) { maximum = std::max(maximum, kernels.greatest(logits.Span(begin, n), n)); });
  double sum = 0;
  ForSpans(row.begin, end, [&](int64_t begin, int64_t n) { sum += kernels.sum_of_exponentials(logits.Span(begin, n), n, maximum); });
  return maximum + static_cast<float>(log(sum));
}

ffi::Error Losses(ffi::ThreadPool pool, ffi::AnyBuffer logits, Labels labels, Numbers weights, ffi::Result<Numbers> losses,
                  ffi::Result<Numbers> log_sums) {
  const Given given = {logits, labels, weights};
  return ForRows(pool, given, [&](const Row& row) {
    float &loss = losses->typed_data()[row.index], &log_sum = log_sums->typed_data()[row.index];
    loss = log_sum = 0;
    if (row.weight == 0) return;
    Source source = given.Logits();
    log_sum = LogSum(source, row);
    loss = row.weight * (log_sum - *source.Span(row.begin + row.label, 1));
  });
}

ffi::Error LossSlopes(ffi::ThreadPool pool, ffi::AnyBuffer logits, Labels labels, Numbers weights, Numbers log_sums,
                      ffi::Result<ffi::AnyBuffer> slopes) {
  const Given given = {logits, labels, weights};
  return ForRows(pool, given, [&](const Row& row) {
    const float log_sum = log_sums.typed_data()[row.index];
    Source source = given.Logits();
    Sink sink(slopes->untyped_data(), slopes->element_type() == ffi::BF16);
    ForSpans(row.begin, row.begin + row.size, [&](int64_t begin, int64_t n) {
      float* span = sink.Span(begin);
      if (row.weight == 0) std::fill_n(span, n, 0);
      else ProcessorsFloatKernels().weighted_softmax(source.Span(begin, n), n, log_sum, row.weight, span);
      const int64_t label = row.begin + row.label - begin;
      if (0 <= label && label < n) span[label] -= row.weight;
      sink.Keep(begin, n);
    });
  });
}

XLA_FFI_DEFINE_HANDLER(kLosses, Losses,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<ffi::AnyBuffer>().Arg<Labels>().Arg<Numbers>().Ret<Numbers>().Ret<Numbers>());
XLA_FFI_DEFINE_HANDLER(
    kSlopes, LossSlopes,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<ffi::AnyBuffer>().Arg<Labels>().Arg<Numbers>().Arg<Numbers>().Ret<ffi::AnyBuffer>());

}  // namespace

bool RegisterCrossEntropy() {
  static const bool is_known = RegisterKernel("lowrank_cross_entropy", kLosses) && RegisterKernel("lowrank_cross_entropy_slopes", kSlopes);
  return is_known;
}

}  // namespace tfnodejs
