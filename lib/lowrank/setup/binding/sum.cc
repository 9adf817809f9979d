// The sum of several tensors, which XLA calls by its name: one pass over all of them, in float32.
//
//   lowrank_sum(terms…) -> sum
//   terms: float32 or bfloat16, each for itself; sum: float32; all of one size
#include <vector>

#include "floatKernels.h"
#include "kernelCalls.h"
#include "kernels.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;

ffi::Error Sum(ffi::ThreadPool pool, ffi::RemainingArgs arguments, ffi::Result<ffi::Buffer<ffi::F32>> sum) {
  const int64_t count = sum->element_count();
  std::vector<ffi::AnyBuffer> terms;
  for (size_t i = 0; i < arguments.size(); i++) {
    const auto term = arguments.get<ffi::AnyBuffer>(i);
    if (!term.has_value() || !IsFloat(*term) || !HasCount(*term, count)) {
      return ffi::Error::InvalidArgument("lowrank_sum takes terms of one size");
    }
    terms.push_back(*term);
  }
  if (terms.size() < 2) return ffi::Error::InvalidArgument("lowrank_sum takes two terms or more");
  const FloatKernels& kernels = ProcessorsFloatKernels();
  float* sums = sum->typed_data();
  RunOnPool(pool, (count + kPartSize - 1) / kPartSize, [&](int64_t part) {
    ForSpans(part * kPartSize, std::min(count, (part + 1) * kPartSize), [&](int64_t begin, int64_t n) {
      Source first = SourceOf(terms[0]), second = SourceOf(terms[1]);
      kernels.added(first.Span(begin, n), second.Span(begin, n), n, sums + begin);
      for (size_t i = 2; i < terms.size(); i++) kernels.added(sums + begin, SourceOf(terms[i]).Span(begin, n), n, sums + begin);
    });
  });
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER(kSum, Sum, ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().RemainingArgs().Ret<ffi::Buffer<ffi::F32>>());

}  // namespace

bool RegisterSum() {
  static const bool is_known = RegisterKernel("lowrank_sum", kSum);
  return is_known;
}

}  // namespace tfnodejs
