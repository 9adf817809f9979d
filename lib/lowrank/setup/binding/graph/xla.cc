// What XLA can compile, and how much it has compiled. Not part of graph.cc, because it needs TensorFlow's C++ headers, which compile
// slowly.
#include <unordered_set>

#include "graph.h"
#include "tensorflow/compiler/tf2xla/xla_op_registry.h"
#include "tensorflow/core/framework/kernel_def.pb.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/lib/monitoring/collection_registry.h"

namespace tfnodejs {

int64_t XlaCompilations() {
  const tensorflow::monitoring::CollectionRegistry::CollectMetricsOptions options;
  const auto metrics = tensorflow::monitoring::CollectionRegistry::Default()->CollectMetrics(options);
  const auto found = metrics->point_set_map.find("/tensorflow/core/xla_compilations");
  if (found == metrics->point_set_map.end()) return 0;
  int64_t sum = 0;
  for (const auto& point : found->second->points) sum += point->int64_value;
  return sum;
}

bool XlaCanCompile(const std::string& type) {
  // All types at once: each search goes through all of TensorFlow's kernels, and a model has dozens of types of operations.
  static const std::unordered_set<std::string> types = [] {
    tensorflow::XlaOpRegistry::RegisterCompilationKernels();
    const auto kernels =
        tensorflow::GetFilteredRegisteredKernels([](const tensorflow::KernelDef& kernel) { return kernel.device_type() == "XLA_CPU_JIT"; });
    std::unordered_set<std::string> found;
    for (const auto& kernel : kernels.kernel()) found.insert(kernel.op());
    return found;
  }();
  return types.count(type) > 0;
}

}  // namespace tfnodejs
