#ifndef LOWRANK_CLUSTER_H_
#define LOWRANK_CLUSTER_H_

#include <node_api.h>

#include <string>

namespace tfnodejs {

// Adds the functions of cluster.cc to the binding's exports.
napi_status DefineClusterFunctions(napi_env env, napi_value exports);

// Converts a tensorflow.ServerDef from protobuf's text format to its bytes; throws if the text is malformed.
std::string SerializedServer(const std::string& text);

}  // namespace tfnodejs

#endif  // LOWRANK_CLUSTER_H_
