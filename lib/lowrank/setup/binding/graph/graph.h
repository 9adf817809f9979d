#ifndef LOWRANK_GRAPH_H_
#define LOWRANK_GRAPH_H_

#include <node_api.h>
#include <stdint.h>

#include <string>

#include "tensorflow/c/c_api.h"

namespace tfnodejs {

// Adds the functions of graph.cc to the binding's exports.
napi_status DefineGraphFunctions(napi_env env, napi_value exports);

// The number of programs that XLA has compiled in this process, as TensorFlow counts them.
int64_t XlaCompilations();

// Whether XLA can compile operations of this type, at least for the CPU.
bool XlaCanCompile(const std::string& type);

// The same function without compile marks on its inputs. TensorFlow copies the marks of the operation that produced an input in the graph,
// and then looks for a function named `_Arg`.
TF_Function* WithoutInputMarks(TF_Function* function, TF_Status* status);

}  // namespace tfnodejs

#endif  // LOWRANK_GRAPH_H_
