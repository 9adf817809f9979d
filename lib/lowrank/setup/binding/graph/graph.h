#ifndef LOWRANK_GRAPH_H_
#define LOWRANK_GRAPH_H_

#include <node_api.h>
#include <stdint.h>

#include <string>

#include "tensorflow/c/c_api.h"

namespace tfnodejs {

// Adds the functions of graph.cc to the binding's exports.
napi_status DefineGraphFunctions(napi_env env, napi_value exports);

// How many programs XLA has compiled in this process, by TensorFlow's own count.
int64_t XlaCompilations();

// Whether XLA has a way to compile operations of this type, for the CPU at least.
bool XlaCanCompile(const std::string& type);

// The same function, whose inputs are not themselves marked to be compiled. TensorFlow copies marks from the operation that gave an
// input in the graph, and then looks for a function by the name of `_Arg`.
TF_Function* WithoutInputMarks(TF_Function* function, TF_Status* status);

}  // namespace tfnodejs

#endif  // LOWRANK_GRAPH_H_
