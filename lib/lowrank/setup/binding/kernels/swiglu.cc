// The middle of a feed-forward layer, SiLU(gate)·up, as custom calls of XLA: one pass instead of a dozen, in bfloat16 if the products
// beside it are in bfloat16.
//
//   lowrank_swiglu(gate, up) -> y
//   lowrank_swiglu_gradients(dy, gate, up) -> dgate, dup
//   all have one shape; each is float32 or bfloat16
#include <initializer_list>

#include "floatKernels.h"
#include "kernelCalls.h"
#include "kernels.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;
using Any = ffi::AnyBuffer;

// Calls `run` with the start and end of every part of the buffers, on several threads.
template <class Run>
ffi::Error ForParts(ffi::ThreadPool& pool, std::initializer_list<Any> buffers, Run run) {
  const int64_t count = buffers.begin()->element_count();
  for (const Any& buffer : buffers) {
    if (!IsFloat(buffer) || !HasCount(buffer, count)) return ffi::Error::InvalidArgument("SwiGLU takes and gives buffers of one size");
  }
  RunOnPool(pool, (count + kPartSize - 1) / kPartSize,
            [&](int64_t part) { run(part * kPartSize, std::min(count, (part + 1) * kPartSize)); });
  return ffi::Error::Success();
}

ffi::Error Swiglu(ffi::ThreadPool pool, Any gate, Any up, ffi::Result<Any> y) {
  return ForParts(pool, {gate, up, *y}, [&](int64_t part_begin, int64_t part_end) {
    Source gates = SourceOf(gate), ups = SourceOf(up);
    Sink results = SinkOf(y);
    ForSpans(part_begin, part_end, [&](int64_t begin, int64_t n) {
      ProcessorsFloatKernels().swiglu(gates.Span(begin, n), ups.Span(begin, n), n, results.Span(begin));
      results.Keep(begin, n);
    });
  });
}

ffi::Error SwigluGradients(ffi::ThreadPool pool, Any dy, Any gate, Any up, ffi::Result<Any> dgate, ffi::Result<Any> dup) {
  return ForParts(pool, {dy, gate, up, *dgate, *dup}, [&](int64_t part_begin, int64_t part_end) {
    Source gradients = SourceOf(dy), gates = SourceOf(gate), ups = SourceOf(up);
    Sink gate_gradients = SinkOf(dgate), up_gradients = SinkOf(dup);
    ForSpans(part_begin, part_end, [&](int64_t begin, int64_t n) {
      ProcessorsFloatKernels().swiglu_gradients(gradients.Span(begin, n), gates.Span(begin, n), ups.Span(begin, n), n,
                                                gate_gradients.Span(begin), up_gradients.Span(begin));
      gate_gradients.Keep(begin, n);
      up_gradients.Keep(begin, n);
    });
  });
}

XLA_FFI_DEFINE_HANDLER(kSwiglu, Swiglu, ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Any>().Ret<Any>());
XLA_FFI_DEFINE_HANDLER(kSwigluGradients, SwigluGradients,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Any>().Arg<Any>().Ret<Any>().Ret<Any>());

}  // namespace

bool RegisterSwiglu() {
  static const bool is_known = RegisterKernel("lowrank_swiglu", kSwiglu) && RegisterKernel("lowrank_swiglu_gradients", kSwigluGradients);
  return is_known;
}

}  // namespace tfnodejs
