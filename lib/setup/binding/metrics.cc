// Reads one of TensorFlow's own counters; apart from graph.cc because it needs TensorFlow's C++ headers, which compile slowly.
#include "graph.h"
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

}  // namespace tfnodejs
