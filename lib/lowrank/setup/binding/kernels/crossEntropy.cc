// The cross-entropy of many logits, as custom calls of XLA.
//
// TensorFlow's own implementation makes five passes over 32-bit floats, most of them one number at a time. Here the loss takes two passes
// and its gradient one, and bfloat16 logits are read without conversion. Rows with weight 0 are skipped.
//
//   lowrank_cross_entropy(logits, labels, weights) -> losses, greatest, log_sums
//   lowrank_cross_entropy_gradients(logits, labels, weights, greatest, log_sums) -> gradients
//   logits, gradients (n, size): float32 or bfloat16; labels (n): int32; the others (n): float32
//   log_sums: log Σ exp(logit − greatest)
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

// One row of logits and its label.
struct Row {
  int64_t index, begin, size, label;  // the row begins at `begin`; `label` counts from there
  float weight;
};

// The arguments that both calls share.
struct Given {
  ffi::AnyBuffer logits;
  Labels labels;
  Numbers weights;
};

// Calls `run` for every row, on several threads.
template <class Run>
ffi::Error ForRows(ffi::ThreadPool& pool, const Given& given, Run run) {
  const auto shape = given.logits.dimensions();
  const bool fits = shape.size() == 2 && IsFloat(given.logits) && HasCount(given.labels, shape[0]) && HasCount(given.weights, shape[0]);
  if (!fits) return ffi::Error::InvalidArgument("cross-entropy takes logits (n, size), n labels and n weights");
  const int64_t rows = shape[0], size = shape[1];
  const int32_t* labels = given.labels.typed_data();
  for (int64_t n = 0; n < rows; n++) {
    if (labels[n] < 0 || labels[n] >= size) {
      return ffi::Error::InvalidArgument("cross-entropy: label " + std::to_string(labels[n]) + " is none of " + std::to_string(size));
    }
  }
  RunOnPool(pool, rows, [&](int64_t n) { run(Row{n, n * size, size, labels[n], given.weights.typed_data()[n]}); });
  return ffi::Error::Success();
}

ffi::Error Losses(ffi::ThreadPool pool, ffi::AnyBuffer logits, Labels labels, Numbers weights, ffi::Result<Numbers> losses,
                  ffi::Result<Numbers> greatest, ffi::Result<Numbers> log_sums) {
  const Given given = {logits, labels, weights};
  const int64_t rows = labels.element_count();
  if (!HasCount(*losses, rows) || !HasCount(*greatest, rows) || !HasCount(*log_sums, rows)) {
    return ffi::Error::InvalidArgument("cross-entropy gives three numbers for each row");
  }
  return ForRows(pool, given, [&](const Row& row) {
    const FloatKernels& kernels = ProcessorsFloatKernels();
    const int64_t end = row.begin + row.size;
    float maximum = -INFINITY;
    double sum = 0, log_sum = 0, loss = 0;
    if (row.weight != 0) {
      Source source = SourceOf(logits);
      ForSpans(row.begin, end, [&](int64_t begin, int64_t n) { maximum = std::max(maximum, kernels.greatest(source.Span(begin, n), n)); });
      ForSpans(row.begin, end, [&](int64_t begin, int64_t n) { sum += kernels.sum_of_exponentials(source.Span(begin, n), n, maximum); });
      log_sum = log(sum);
      loss = row.weight * (log_sum - (*source.Span(row.begin + row.label, 1) - maximum));
    }
    losses->typed_data()[row.index] = loss;
    greatest->typed_data()[row.index] = maximum;
    log_sums->typed_data()[row.index] = log_sum;
  });
}

ffi::Error LossGradients(ffi::ThreadPool pool, ffi::AnyBuffer logits, Labels labels, Numbers weights, Numbers greatest, Numbers log_sums,
                         ffi::Result<ffi::AnyBuffer> gradients) {
  const Given given = {logits, labels, weights};
  const int64_t rows = labels.element_count();
  if (!HasCount(greatest, rows) || !HasCount(log_sums, rows) || !IsFloat(*gradients) || !HasCount(*gradients, logits.element_count())) {
    return ffi::Error::InvalidArgument("cross-entropy: the sums or the gradients do not fit the logits");
  }
  return ForRows(pool, given, [&](const Row& row) {
    const SoftmaxRow softmax = {greatest.typed_data()[row.index], log_sums.typed_data()[row.index], row.weight};
    Source source = SourceOf(logits);
    Sink sink = SinkOf(gradients);
    ForSpans(row.begin, row.begin + row.size, [&](int64_t begin, int64_t n) {
      float* span = sink.Span(begin);
      if (row.weight == 0) std::fill_n(span, n, 0);
      else ProcessorsFloatKernels().weighted_softmax(source.Span(begin, n), n, softmax, span);
      const int64_t label = row.begin + row.label - begin;
      if (0 <= label && label < n) span[label] -= row.weight;
      sink.Keep(begin, n);
    });
  });
}

XLA_FFI_DEFINE_HANDLER(kLosses, Losses,
                       ffi::Ffi::Bind()
                           .Ctx<ffi::ThreadPool>()
                           .Arg<ffi::AnyBuffer>()
                           .Arg<Labels>()
                           .Arg<Numbers>()
                           .Ret<Numbers>()
                           .Ret<Numbers>()
                           .Ret<Numbers>());
XLA_FFI_DEFINE_HANDLER(kGradients, LossGradients,
                       ffi::Ffi::Bind()
                           .Ctx<ffi::ThreadPool>()
                           .Arg<ffi::AnyBuffer>()
                           .Arg<Labels>()
                           .Arg<Numbers>()
                           .Arg<Numbers>()
                           .Arg<Numbers>()
                           .Ret<ffi::AnyBuffer>());

}  // namespace

bool RegisterCrossEntropy() {
  static const bool is_known =
      RegisterKernel("lowrank_cross_entropy", kLosses) && RegisterKernel("lowrank_cross_entropy_gradients", kGradients);
  return is_known;
}

}  // namespace tfnodejs
