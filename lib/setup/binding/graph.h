#ifndef LOWRANK_GRAPH_H_
#define LOWRANK_GRAPH_H_

#include <node_api.h>
#include <stdint.h>

#include <string>

namespace tfnodejs {

// Adds the functions of graph.cc to the binding's exports.
napi_status DefineGraphFunctions(napi_env env, napi_value exports);

// How many programs XLA has compiled in this process, by TensorFlow's own count.
int64_t XlaCompilations();

// Whether XLA has a way to compile operations of this type, for the CPU at least.
bool XlaCanCompile(const std::string& type);

}  // namespace tfnodejs

#endif  // LOWRANK_GRAPH_H_
