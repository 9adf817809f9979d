#ifndef LOWRANK_KERNEL_CALLS_H_
#define LOWRANK_KERNEL_CALLS_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "floatKernels.h"
#include "parts.h"
#include "xla/ffi/api/ffi.h"

// From xla/ffi/ffi_api.h, which does not compile without MLIR's headers.
namespace xla::ffi {
const XLA_FFI_Api* GetXlaFfiApi();
}

namespace tfnodejs {

// Registers a kernel with XLA:CPU; returns whether it succeeded.
inline bool RegisterKernel(const char* name, XLA_FFI_Handler* handler) {
  return xla::ffi::Ffi::RegisterStaticHandler(xla::ffi::GetXlaFfiApi(), name, "Host", handler) == nullptr;
}

inline int64_t ThreadsOf(const xla::ffi::ThreadPool& pool) { return std::max<int64_t>(1, pool.num_threads()); }

// Whether a buffer has a type that Source reads and Sink writes.
inline bool IsFloat(const xla::ffi::AnyBuffer& buffer) {
  return buffer.element_type() == xla::ffi::F32 || buffer.element_type() == xla::ffi::BF16;
}

template <class Buffer>
bool HasCount(const Buffer& buffer, int64_t count) {
  return static_cast<int64_t>(buffer.element_count()) == count;
}

inline Source SourceOf(const xla::ffi::AnyBuffer& buffer) { return Source(buffer.untyped_data(), buffer.element_type() == xla::ffi::BF16); }

inline Sink SinkOf(xla::ffi::Result<xla::ffi::AnyBuffer>& result) {
  return Sink(result->untyped_data(), result->element_type() == xla::ffi::BF16);
}

// Calls `run` for each part, on this thread and on XLA's idle threads; returns when all parts are done.
inline void RunOnPool(xla::ffi::ThreadPool& pool, int64_t parts, std::function<void(int64_t part)> run) {
  auto work = std::make_shared<Parts>(parts, std::move(run));
  for (int64_t n = 1; n < std::min(parts, ThreadsOf(pool)); n++) pool.Schedule([work] { work->Work(); });
  work->Work();
  work->WaitForOthers();
}

constexpr int64_t kPartSize = 16 * kSpan;  // numbers per task of a thread

// Calls `run` for every row, on several threads.
template <class Run>
void RunOnRows(xla::ffi::ThreadPool& pool, int64_t rows, int64_t width, Run run) {
  const int64_t length = std::max<int64_t>(1, kPartSize / std::max<int64_t>(1, width));
  RunOnPool(pool, (rows + length - 1) / length, [&](int64_t part) {
    for (int64_t row = part * length; row < std::min(rows, (part + 1) * length); row++) run(row);
  });
}

}  // namespace tfnodejs

#endif  // LOWRANK_KERNEL_CALLS_H_
