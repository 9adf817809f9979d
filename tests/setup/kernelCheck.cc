// Runs the kernels of each instruction set that this processor has on buffers of the exact size, and compares them with the portable ones.
// Compiled with -fsanitize=address,undefined by tests/setup/nativeSanitizers.test.ts; returns 1, and says where, when two sets differ.
#include <math.h>
#include <stdio.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "floatKernels.h"
#include "rowProducts.h"

using namespace tfnodejs;
using Values = std::vector<float>;

namespace {

int failures = 0;

void Compare(const char* what, const Values& actual, const Values& expected) {
  for (size_t i = 0; i < expected.size(); i++) {
    if (fabsf(actual[i] - expected[i]) <= 1e-5f * (1 + fabsf(expected[i]))) continue;
    printf("%s: value %zu is %g, not %g\n", what, i, actual[i], expected[i]);
    failures++;
    return;
  }
}

Values Numbers(int64_t n, int seed) {
  Values values(n);
  for (int64_t i = 0; i < n; i++) values[i] = sinf(static_cast<float>(seed) + 1.7f * static_cast<float>(i));
  return values;
}

// What every kernel of a set makes of vectors of n numbers, by name.
std::vector<std::pair<const char*, Values>> Results(const FloatKernels& kernels, int64_t n) {
  const Values x = Numbers(n, 1), y = Numbers(n, 2), z = Numbers(n, 3);
  const auto made = [n](const std::function<void(float*)>& make) {
    Values values(n);
    make(values.data());
    return values;
  };
  std::vector<uint16_t> halves(n);
  kernels.to_bfloat16(x.data(), n, halves.data());
  Values gate(n), up(n);
  kernels.swiglu_gradients(x.data(), y.data(), z.data(), n, gate.data(), up.data());
  return {
      {"greatest", {kernels.greatest(x.data(), n)}},
      {"sum_of_exponentials", {kernels.sum_of_exponentials(x.data(), n, 1)}},
      {"exponentials", made([&](float* to) { kernels.exponentials(x.data(), n, 1, to); })},
      {"weighted_softmax", made([&](float* to) { kernels.weighted_softmax(x.data(), n, {1, 2, 3}, to); })},
      {"masked", made([&](float* to) { kernels.masked(x.data(), y.data(), n, 0.5f, to); })},
      {"scaled", made([&](float* to) { kernels.scaled(x.data(), n, 0.5f, to); })},
      {"sum_of_products", {kernels.sum_of_products(x.data(), y.data(), n)}},
      {"softmax_gradients", made([&](float* to) { kernels.softmax_gradients(x.data(), y.data(), n, {1, 2}, to); })},
      {"rotated", made([&](float* to) { kernels.rotated(x.data(), y.data(), z.data(), n / 2 * 2, to); })},
      {"swiglu", made([&](float* to) { kernels.swiglu(x.data(), y.data(), n, to); })},
      {"swiglu_gradients, gate", gate},
      {"swiglu_gradients, up", up},
      {"bfloat16 and back", made([&](float* to) { kernels.from_bfloat16(halves.data(), n, to); })},
  };
}

void CheckFloatKernels(const FloatKernels& kernels) {
  for (int64_t n = 1; n <= 40; n++) {
    const auto actual = Results(kernels, n), expected = Results(kPortableFloatKernels, n);
    for (size_t i = 0; i < expected.size(); i++) Compare(expected[i].first, actual[i].second, expected[i].second);
  }
}

Values Product(const RowKernels& kernels, const char* format, RowKernel RowKernels::* kernel, int64_t row_bytes, int64_t n) {
  constexpr int64_t kIn = 64, kOut = 5, kBlocks = kIn / kBlock;
  const Values x = Numbers(n * kIn, 4), scales = Numbers(kOut, 5);
  Values sums(kBlocks * 8), y(n * kOut);
  for (int64_t i = 0; i < kIn; i++) sums[i / kBlock * 8 + i % 8] += x[i];
  std::vector<uint8_t> weight(kOut * row_bytes);
  for (size_t i = 0; i < weight.size(); i++) weight[i] = i % 2 == 1 ? 0x3c : static_cast<uint8_t>(7 * i);  // no exponent is extreme
  const bool has_scales = format == std::string("int8");
  const RowProduct product = {x.data(), sums.data(), weight.data(), has_scales ? scales.data() : nullptr, y.data(), n,
                              kIn,      kOut,        row_bytes};
  (kernels.*kernel)(product, 0, kOut);
  return y;
}

void CheckRowKernels(const RowKernels& kernels) {
  for (int64_t n : {1, 2, 8}) {
    const auto check = [&](const char* format, RowKernel RowKernels::* kernel, int64_t row_bytes) {
      Compare(format, Product(kernels, format, kernel, row_bytes, n), Product(kPortableRowKernels, format, kernel, row_bytes, n));
    };
    check("float32", &RowKernels::float32, 256);
    check("bfloat16", &RowKernels::bfloat16, 128);
    check("int8", &RowKernels::int8, 64);
    check("Q4_0", &RowKernels::q4_0, 36);
    check("Q4_1", &RowKernels::q4_1, 40);
    check("Q8_0", &RowKernels::q8_0, 68);
  }
}

}  // namespace

int main() {
  CheckFloatKernels(kPortableFloatKernels);
  CheckRowKernels(kPortableRowKernels);
  if (HasAvx2()) CheckFloatKernels(kAvx2FloatKernels);
  if (HasAvx2()) CheckRowKernels(kAvx2RowKernels);
  if (HasAvx512()) CheckFloatKernels(kAvx512FloatKernels);
  return failures > 0;
}
