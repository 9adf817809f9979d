// Rotary position embedding as a custom call of XLA: one pass instead of five. The gradient is the same call with negated sines.
//
//   lowrank_rotary(x, cos, sin) -> y
//   x, y (batch·heads, tokens, width): float32 or bfloat16; cos, sin (b, tokens, width): float32; b is the batch or 1
#include "floatKernels.h"
#include "kernelCalls.h"
#include "kernels.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;
using Any = ffi::AnyBuffer;
using Numbers = ffi::Buffer<ffi::F32>;

ffi::Error Rotary(ffi::ThreadPool pool, Any x, Numbers cos, Numbers sin, ffi::Result<Any> y) {
  const auto shape = x.dimensions(), waves = cos.dimensions();
  const bool fits = shape.size() == 3 && waves.size() == 3 && waves[0] > 0 && shape[0] % waves[0] == 0 && waves[1] == shape[1] &&
                    waves[2] == shape[2] && shape[2] <= kSpan && shape[2] % 2 == 0 && HasCount(sin, cos.element_count()) && IsFloat(x) &&
                    IsFloat(*y) && HasCount(*y, x.element_count());
  if (!fits) return ffi::Error::InvalidArgument("rotary positions take (batch·heads, tokens, width) and waves that fit them");
  const int64_t tokens = shape[1], width = shape[2], sharing = shape[0] / waves[0];
  const FloatKernels& kernels = ProcessorsFloatKernels();
  RunOnRows(pool, shape[0] * tokens, width, [&](int64_t row) {
    const int64_t begin = row * width, wave = (row / tokens / sharing * tokens + row % tokens) * width;
    Source source = SourceOf(x);
    Sink sink = SinkOf(y);
    kernels.rotated(source.Span(begin, width), cos.typed_data() + wave, sin.typed_data() + wave, width, sink.Span(begin));
    sink.Keep(begin, width);
  });
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER(kRotary, Rotary, ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Any>().Arg<Numbers>().Arg<Numbers>().Ret<Any>());

}  // namespace

bool RegisterRotary() {
  static const bool is_known = RegisterKernel("lowrank_rotary", kRotary);
  return is_known;
}

}  // namespace tfnodejs
