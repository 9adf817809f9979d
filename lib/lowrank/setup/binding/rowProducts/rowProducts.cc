// Products of a few rows with a weight in its stored format, as custom calls of XLA.
//
// XLA would unpack a packed weight before each product, which takes longer than the product of a few rows. Here all threads together read
// every byte once, in order, and unpack it in registers or, for more rows, in a core's own cache.
//
//   lowrank_row_product(x, weight[, scales]) -> y      attribute: format
//   x (n, in), y (n, out): float32; weight (out, words of a row); scales (out, 1): float32
//
//   lowrank_column_product(x, weight) -> y
//   x (n, in), weight (in, out), y (n, out): float32
#include "rowProducts.h"

#include <string.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "kernelCalls.h"
#include "kernels.h"
#include "processor.h"
#include "rowThreads.h"

namespace tfnodejs {
namespace {

namespace ffi = xla::ffi;
using Matrix = ffi::Buffer<ffi::F32>;

const RowKernels& Kernels() {
  if (HasAvx2()) return kAvx2RowKernels;
  return kPortableRowKernels;
}

RowKernel KernelOf(std::string_view format) {
  const RowKernels& kernels = Kernels();
  if (format == "float32") return kernels.float32;
  if (format == "bfloat16") return kernels.bfloat16;
  if (format == "int8") return kernels.int8;
  if (format == "Q4_0") return kernels.q4_0;
  if (format == "Q4_1") return kernels.q4_1;
  if (format == "Q8_0") return kernels.q8_0;
  return nullptr;
}

// The bytes of a row with this many values.
int64_t RowBytes(std::string_view format, int64_t values) {
  if (format == "float32") return 4 * values;
  if (format == "bfloat16") return 2 * values;
  if (format == "int8") return values;
  const int64_t blocks = (values + kBlock - 1) / kBlock;
  return blocks * (format == "Q4_0" ? kQ4_0Bytes : format == "Q4_1" ? kQ4_1Bytes : kQ8_0Bytes);
}

constexpr int64_t kPartBytes = 1 << 15;  // of the weight; for less, waking another thread does not pay

// The length of the parts into which a product is divided.
int64_t PartLength(int64_t threads, int64_t extent, int64_t weight_bytes, int64_t multiple) {
  const int64_t count = std::clamp<int64_t>(weight_bytes / kPartBytes, 1, 4 * threads);
  return ((extent + count - 1) / count + multiple - 1) / multiple * multiple;
}

void RunRows(int64_t threads, const RowProduct& product, RowKernel kernel, int64_t weight_bytes) {
  const int64_t multiple = product.n > kFewRows ? 48 : 16;  // whole cache lines of y for each thread, and whole tiles
  const int64_t length = PartLength(threads, product.out, weight_bytes, multiple);
  RunParts(threads, (product.out + length - 1) / length,
           [&, length](int64_t part) { kernel(product, part * length, std::min(product.out, (part + 1) * length)); });
}

// A weight (in, out) is read in order if it is divided along the inputs; each part then has its own sums.
void RunColumns(int64_t threads, const ColumnProduct& product, float* y) {
  const int64_t length = PartLength(threads, product.in, 4 * product.in * product.out, 8);
  const int64_t parts = (product.in + length - 1) / length, size = product.n * product.out;
  std::vector<float> sums(parts * size);
  RunParts(threads, parts, [&, length](int64_t part) {
    Kernels().columns(product, part * length, std::min(product.in, (part + 1) * length), sums.data() + part * size);
  });
  std::copy_n(sums.begin(), size, y);
  for (int64_t part = 1; part < parts; part++) {
    for (int64_t i = 0; i < size; i++) y[i] += sums[part * size + i];
  }
}

ffi::Error MultiplyRows(ffi::ThreadPool pool, ffi::RemainingArgs arguments, ffi::Result<Matrix> y, std::string_view format) {
  const RowKernel kernel = KernelOf(format);
  if (kernel == nullptr) return ffi::Error::InvalidArgument("lowrank_row_product knows no format '" + std::string(format) + "'");
  const auto x = arguments.get<Matrix>(0);
  const auto weight = arguments.get<ffi::AnyBuffer>(1);
  if (!x.has_value() || !weight.has_value()) return ffi::Error::InvalidArgument("lowrank_row_product takes x and a weight");
  const auto scales = arguments.get<Matrix>(2);

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
  std::vector<float> sums;
  if (product.n == 1) {
    sums.resize((product.in + kBlock - 1) / kBlock * 8);
    for (size_t i = 0; i < 4 * sums.size(); i++) sums[i / kBlock * 8 + i % 8] += product.x[i];
  }
  product.x_sums = sums.data();
  RunRows(ThreadsOf(pool), product, kernel, weight->size_bytes());
  return ffi::Error::Success();
}

ffi::Error MultiplyColumns(ffi::ThreadPool pool, Matrix x, Matrix weight, ffi::Result<Matrix> y) {
  const ColumnProduct product = {x.typed_data(), weight.typed_data(), x.dimensions()[0], x.dimensions()[1], y->dimensions()[1]};
  if (weight.dimensions()[0] != product.in || weight.dimensions()[1] != product.out) {
    return ffi::Error::InvalidArgument("lowrank_column_product: x and y do not fit the weight");
  }
  RunColumns(ThreadsOf(pool), product, y->typed_data());
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER(kRows, MultiplyRows,
                       ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().RemainingArgs().Ret<Matrix>().Attr<std::string_view>("format"));
XLA_FFI_DEFINE_HANDLER(kColumns, MultiplyColumns, ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Matrix>().Arg<Matrix>().Ret<Matrix>());

}  // namespace

bool RegisterRowProducts() {
  static const bool is_known = RegisterKernel("lowrank_row_product", kRows) && RegisterKernel("lowrank_column_product", kColumns);
  return is_known;
}

}  // namespace tfnodejs
