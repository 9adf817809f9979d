// What XLA can compile, and how much it has compiled. Not part of graph.cc, because it needs TensorFlow's C++ headers, which compile
// slowly.
#include "graph.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/compiler/tf2xla/xla_op_registry.h"
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
  tensorflow::XlaOpRegistry::RegisterCompilationKernels();
  TF_Status* status = TF_NewStatus();
  TF_Buffer* kernels = TF_GetRegisteredKernelsForOp(type.c_str(), status);  // a KernelList, which contains the device names as plain text
  TF_DeleteStatus(status);
  if (kernels == nullptr) return false;
  const bool can = std::string(static_cast<const char*>(kernels->data), kernels->length).find("XLA_CPU_JIT") != std::string::npos;
  TF_DeleteBuffer(kernels);
  return can;
}

}  // namespace tfnodejs
