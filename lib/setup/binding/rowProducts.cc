// Products of few rows with a weight as it is stored, which XLA calls by the name `lowrank_row_product`.
//
// XLA would unpack the weight before each product, which takes longer than the product does. Here every byte is read once, in order,
// by all threads, and unpacked in registers.
//
//   lowrank_row_product(x, weight[, scales]) -> y      attribute: format
//   x (n, in), y (n, out): float32; weight (out, words of a row); scales (out, 1): float32
#include "rowProducts.h"

#include <string.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "xla/ffi/api/ffi.h"

// From xla/ffi/ffi_api.h, which does not compile without MLIR's headers.
namespace xla::ffi {
const XLA_FFI_Api* GetXlaFfiApi();
}

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;

const RowKernels& Kernels() {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (has_avx2) return kAvx2RowKernels;
#endif
  return kPortableRowKernels;
}

RowKernel KernelOf(std::string_view format) {
  const RowKernels& kernels = Kernels();
  if (format == "bfloat16") return kernels.bfloat16;
  if (format == "int8") return kernels.int8;
  if (format == "Q4_0") return kernels.q4_0;
  if (format == "Q4_1") return kernels.q4_1;
  if (format == "Q8_0") return kernels.q8_0;
  return nullptr;
}

// The bytes of a row of so many values.
int64_t RowBytes(std::string_view format, int64_t values) {
  if (format == "bfloat16") return 2 * values;
  if (format == "int8") return values;
  const int64_t blocks = (values + kBlock - 1) / kBlock;
  return blocks * (format == "Q4_0" ? 18 : format == "Q4_1" ? 20 : 34);
}

// The parts of a product, which threads take one after another. A thread that comes late finds none left and touches nothing else.
struct Parts {
  Parts(int64_t outputs, int64_t length) : outputs(outputs), length(length), left((outputs + length - 1) / length) {}
  const int64_t outputs, length;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> left;

  void Work(const RowProduct& product, RowKernel kernel) {
    for (;;) {
      const int64_t begin = next.fetch_add(1, std::memory_order_relaxed) * length;
      if (begin >= outputs) return;
      kernel(product, begin, std::min(outputs, begin + length));
      left.fetch_sub(1, std::memory_order_release);
    }
  }
};

constexpr int64_t kPartBytes = 1 << 17;  // of the weight; for less no second thread is worth its waking

void RunOnAll(ffi::ThreadPool& pool, const RowProduct& product, RowKernel kernel, int64_t weight_bytes) {
  const int64_t threads = std::max<int64_t>(1, pool.num_threads());
  const int64_t count = std::clamp<int64_t>(weight_bytes / kPartBytes, 1, 4 * threads);
  const int64_t length = (product.out + count - 1) / count;
  // Whole cache lines of y for each thread.
  auto parts = std::make_shared<Parts>(product.out, (length + 15) / 16 * 16);
  for (int64_t thread = 1; thread < std::min(threads, count); thread++) {
    pool.Schedule([parts, product, kernel] { parts->Work(product, kernel); });
  }
  parts->Work(product, kernel);
  // Only parts that another thread has begun are open now, so this cannot wait for a thread that waits itself.
  for (int64_t spins = 0; parts->left.load(std::memory_order_acquire) > 0; spins++) {
    if (spins > 10000) std::this_thread::yield();
  }
}

ffi::Error Run(ffi::ThreadPool pool, ffi::RemainingArgs arguments, ffi::Result<ffi::Buffer<ffi::F32>> y, std::string_view format) {
  const RowKernel kernel = KernelOf(format);
  if (kernel == nullptr) return ffi::Error::InvalidArgument("lowrank_row_product knows no format '" + std::string(format) + "'");
  const auto x = arguments.get<ffi::Buffer<ffi::F32>>(0);
  const auto weight = arguments.get<ffi::AnyBuffer>(1);
  if (!x.has_value() || !weight.has_value()) return ffi::Error::InvalidArgument("lowrank_row_product takes x and a weight");
  const auto scales = arguments.get<ffi::Buffer<ffi::F32>>(2);

  RowProduct product;
  product.n = x->dimensions()[0];
  product.in = x->dimensions()[1];
  product.out = y->dimensions()[1];
  product.y = y->typed_data();
  product.weight = static_cast<const uint8_t*>(weight->untyped_data());
  product.row_bytes = weight->size_bytes() / weight->dimensions()[0];
  product.row_scales = scales.has_value() ? scales->typed_data() : nullptr;

  if (weight->dimensions()[0] != product.out || RowBytes(format, product.in) > product.row_bytes) {
    return ffi::Error::InvalidArgument("lowrank_row_product: x and y do not fit the weight");
  }

  product.x = x->typed_data();
  std::vector<float> blocks;
  if (product.n > 1 || product.in % kBlock != 0) {
    blocks.resize((product.in + kBlock - 1) / kBlock * kBlock * product.n);
    for (int64_t column = 0; column < product.in; column += kBlock) {
      for (int64_t n = 0; n < product.n; n++) {
        const int64_t width = std::min(kBlock, product.in - column);
        std::copy_n(x->typed_data() + n * product.in + column, width, blocks.begin() + column * product.n + n * kBlock);
      }
    }
    product.x = blocks.data();
  }
  RunOnAll(pool, product, kernel, weight->size_bytes());
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER(kHandler, Run,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().RemainingArgs().Ret<ffi::Buffer<ffi::F32>>().Attr<std::string_view>("format"));

}  // namespace

bool RegisterRowProducts() {
  static XLA_FFI_Error* const error = ffi::Ffi::RegisterStaticHandler(xla::ffi::GetXlaFfiApi(), "lowrank_row_product", "Host", kHandler);
  return error == nullptr;
}

}  // namespace tfnodejs
