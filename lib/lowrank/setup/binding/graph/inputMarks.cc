// Removes the marks that a function's inputs inherit. Not part of graph.cc, because it needs TensorFlow's C++ headers, which compile
// slowly.
#include "graph.h"
#include "tensorflow/core/framework/function.pb.h"

namespace tfnodejs {

TF_Function* WithoutInputMarks(TF_Function* function, TF_Status* status) {
  TF_Buffer* stored = TF_NewBuffer();
  TF_FunctionToFunctionDef(function, stored, status);
  tensorflow::FunctionDef definition;
  const bool is_read = definition.ParseFromArray(stored->data, stored->length);
  TF_DeleteBuffer(stored);
  if (TF_GetCode(status) != TF_OK) return nullptr;
  if (!is_read) {
    TF_SetStatus(status, TF_INTERNAL, "a function's definition cannot be read back");
    return nullptr;
  }
  for (auto& [input, attributes] : *definition.mutable_arg_attr()) attributes.mutable_attr()->erase("_XlaMustCompile");
  const std::string bytes = definition.SerializeAsString();
  return TF_FunctionImportFunctionDef(bytes.data(), bytes.size(), status);
}

}  // namespace tfnodejs
