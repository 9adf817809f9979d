// Builds TensorFlow functions from JavaScript; an addition to the binding of @tensorflow/tfjs-node-gpu.
//
// A graph is built operation by operation. TensorFlow infers the type and shape of every output, so nothing runs. Part of the graph becomes
// a function of the eager context, which the binding's ordinary executeOp calls by name.
//
//   graphNew() -> graph
//   graphAdd(graph, type, name, attributes, inputs) -> [{id, dtype, shape}]     inputs: (id | id[])[], shape: null if unknown
//   graphSetShape(graph, id, shape)
//   graphDefineFunction(graph, name, operations, inputs, outputs, marks)   operations: names; inputs, outputs: ids;
//                                                  marks: function attributes to set to true, such as _XlaMustCompile
//   graphDelete(graph)
//   functionRemove(name)
//   xlaCompilations() -> the number of programs that XLA has compiled in this process
//   xlaCanCompile(type) -> whether XLA knows operations of this type
//   xlaHasKernels() -> whether XLA's programs for the CPU can call the kernels of kernels.h
#include "graph.h"

#include <stdint.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "calls.h"
#include "kernels.h"
#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

namespace tfnodejs {
namespace {

struct Graph {
  TF_Graph* graph = TF_NewGraph();
  std::vector<TF_Output> symbols;  // by id, in order of creation

  ~Graph() { Clear(); }
  void Clear() {
    if (graph != nullptr) TF_DeleteGraph(graph);
    graph = nullptr;
    symbols.clear();
  }
};

Graph& AsGraph(const Value& value) {
  Graph& graph = value.External<Graph>("a graph");
  if (graph.graph == nullptr) throw std::runtime_error("the graph is deleted");
  return graph;
}

TF_Output Symbol(const Graph& graph, const Value& id) {
  const int64_t index = id.Integer();
  if (index < 0 || index >= static_cast<int64_t>(graph.symbols.size())) throw std::runtime_error("no symbol " + std::to_string(index));
  return graph.symbols[index];
}

std::vector<TF_Output> Symbols(const Graph& graph, const Value& ids) {
  std::vector<TF_Output> outputs;
  for (const Value& id : ids.Items()) outputs.push_back(Symbol(graph, id));
  return outputs;
}

// An operation under construction. Only TF_FinishOperation frees it, so it is always called.
class Description {
 public:
  Description(const Graph& graph, const std::string& type, const std::string& name)
      : description_(TF_NewOperation(graph.graph, type.c_str(), name.c_str())) {}
  ~Description() {
    if (description_ != nullptr) TF_FinishOperation(description_, Status());
  }
  operator TF_OperationDescription*() { return description_; }

  TF_Operation* Finish() {
    Status status;
    TF_Operation* operation = TF_FinishOperation(description_, status);
    description_ = nullptr;
    status.Check();
    return operation;
  }

 private:
  TF_OperationDescription* description_;
};

void SetTensor(TF_OperationDescription* description, const char* name, const Value& value) {
  const std::vector<int64_t> shape = value.Get("shape").Integers();
  const std::string bytes = value.Get("data").Bytes();
  const auto dtype = static_cast<TF_DataType>(value.Get("dtype").Integer());
  size_t expected = TF_DataTypeSize(dtype);
  for (int64_t dimension : shape) expected *= dimension;
  if (expected != bytes.size()) throw std::runtime_error("a tensor's data does not have the bytes of its shape");
  std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)> tensor(TF_AllocateTensor(dtype, shape.data(), shape.size(), bytes.size()),
                                                                &TF_DeleteTensor);
  bytes.copy(static_cast<char*>(TF_TensorData(tensor.get())), bytes.size());
  Status status;
  TF_SetAttrTensor(description, name, tensor.get(), status);
  status.Check();
}

void SetAttribute(TF_OperationDescription* description, const Value& attribute) {
  const std::string name = attribute.Get("name").String();
  const char* key = name.c_str();
  const Value value = attribute.Get("value");
  const bool is_list = value.IsArray();
  switch (attribute.Get("type").Integer()) {
    case TF_ATTR_STRING: {
      const std::string text = value.IsBytes() ? value.Bytes() : value.String();
      return TF_SetAttrString(description, key, text.data(), text.size());
    }
    case TF_ATTR_INT: {
      if (!is_list) return TF_SetAttrInt(description, key, value.Integer());
      const std::vector<int64_t> list = value.Integers();
      return TF_SetAttrIntList(description, key, list.data(), list.size());
    }
    case TF_ATTR_FLOAT: {
      if (!is_list) return TF_SetAttrFloat(description, key, value.Number());
      std::vector<float> list;
      for (const Value& item : value.Items()) list.push_back(item.Number());
      return TF_SetAttrFloatList(description, key, list.data(), list.size());
    }
    case TF_ATTR_BOOL:
      return TF_SetAttrBool(description, key, value.Boolean());
    case TF_ATTR_TYPE: {
      if (!is_list) return TF_SetAttrType(description, key, static_cast<TF_DataType>(value.Integer()));
      std::vector<TF_DataType> list;
      for (int64_t type : value.Integers()) list.push_back(static_cast<TF_DataType>(type));
      return TF_SetAttrTypeList(description, key, list.data(), list.size());
    }
    case TF_ATTR_SHAPE: {
      const std::vector<Value> items = value.Items();
      if (items.empty() || !items[0].IsArray()) {
        const std::vector<int64_t> shape = value.Integers();
        return TF_SetAttrShape(description, key, shape.data(), shape.size());
      }
      std::vector<std::vector<int64_t>> shapes;
      for (const Value& item : items) shapes.push_back(item.Integers());
      std::vector<const int64_t*> dimensions;
      std::vector<int> ranks;
      for (const std::vector<int64_t>& shape : shapes) {
        dimensions.push_back(shape.data());
        ranks.push_back(shape.size());
      }
      return TF_SetAttrShapeList(description, key, dimensions.data(), ranks.data(), shapes.size());
    }
    case TF_ATTR_TENSOR:
      return SetTensor(description, key, value);
    case TF_ATTR_FUNC: {
      const std::string function = value.String();
      return TF_SetAttrFuncName(description, key, function.data(), function.size());
    }
    default:
      throw std::runtime_error("attribute '" + name + "' is of a type that the graph cannot take");
  }
}

napi_value NewGraph(const Call& call) {
  napi_value external;
  auto finalize = [](napi_env, void* graph, void*) { delete static_cast<Graph*>(graph); };
  auto graph = std::make_unique<Graph>();
  if (napi_create_external(call.env, graph.get(), finalize, nullptr, &external) != napi_ok) throw std::runtime_error("out of memory");
  graph.release();
  return external;
}

napi_value DeleteGraph(const Call& call) {
  AsGraph(call.arguments[0]).Clear();
  return nullptr;
}

napi_value DescribeSymbol(napi_env env, const Graph& graph, int64_t id) {
  const TF_Output output = graph.symbols[id];
  napi_value symbol, id_value, dtype, shape;
  napi_create_object(env, &symbol);
  napi_create_int64(env, id, &id_value);
  napi_set_named_property(env, symbol, "id", id_value);
  napi_create_int32(env, TF_OperationOutputType(output), &dtype);
  napi_set_named_property(env, symbol, "dtype", dtype);

  Status status;
  const int rank = TF_GraphGetTensorNumDims(graph.graph, output, status);
  status.Check();
  if (rank < 0) {
    napi_get_null(env, &shape);
  } else {
    std::vector<int64_t> dimensions(rank);
    TF_GraphGetTensorShape(graph.graph, output, dimensions.data(), rank, status);
    status.Check();
    napi_create_array_with_length(env, rank, &shape);
    for (int i = 0; i < rank; i++) {
      napi_value dimension;
      napi_create_int64(env, dimensions[i], &dimension);
      napi_set_element(env, shape, i, dimension);
    }
  }
  napi_set_named_property(env, symbol, "shape", shape);
  return symbol;
}

napi_value AddOperation(const Call& call) {
  Graph& graph = AsGraph(call.arguments[0]);
  Description description(graph, call.arguments[1].String(), call.arguments[2].String());
  for (const Value& input : call.arguments[4].Items()) {
    if (input.IsArray()) {
      const std::vector<TF_Output> list = Symbols(graph, input);
      TF_AddInputList(description, list.data(), list.size());
    } else {
      TF_AddInput(description, Symbol(graph, input));
    }
  }
  for (const Value& attribute : call.arguments[3].Items()) SetAttribute(description, attribute);
  TF_Operation* operation = description.Finish();

  napi_value symbols;
  const int count = TF_OperationNumOutputs(operation);
  napi_create_array_with_length(call.env, count, &symbols);
  for (int i = 0; i < count; i++) {
    graph.symbols.push_back(TF_Output{operation, i});
    napi_set_element(call.env, symbols, i, DescribeSymbol(call.env, graph, graph.symbols.size() - 1));
  }
  return symbols;
}

napi_value SetShape(const Call& call) {
  Graph& graph = AsGraph(call.arguments[0]);
  const std::vector<int64_t> shape = call.arguments[2].Integers();
  Status status;
  TF_GraphSetTensorShape(graph.graph, Symbol(graph, call.arguments[1]), shape.data(), shape.size(), status);
  status.Check();
  return nullptr;
}

napi_value DefineFunction(const Call& call) {
  Graph& graph = AsGraph(call.arguments[0]);
  std::vector<TF_Operation*> operations;
  for (const Value& name : call.arguments[2].Items()) {
    operations.push_back(TF_GraphOperationByName(graph.graph, name.String().c_str()));
    if (operations.back() == nullptr) throw std::runtime_error("no operation '" + name.String() + "' in the graph");
  }
  const std::vector<TF_Output> inputs = Symbols(graph, call.arguments[3]);
  const std::vector<TF_Output> outputs = Symbols(graph, call.arguments[4]);
  Status status;
  using Function = std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)>;
  const Function marked(TF_GraphToFunction(graph.graph, call.arguments[1].String().c_str(), 0, operations.size(), operations.data(),
                                           inputs.size(), inputs.data(), outputs.size(), outputs.data(), nullptr, nullptr, nullptr, status),
                        &TF_DeleteFunction);
  status.Check();
  const Function function(WithoutInputMarks(marked.get(), status), &TF_DeleteFunction);
  status.Check();
  for (const Value& mark : call.arguments[5].Items()) {
    const char yes[] = {0x28, 0x01};  // the AttrValue message {b: true}
    TF_FunctionSetAttrValueProto(function.get(), mark.String().c_str(), yes, sizeof(yes), status);
    status.Check();
  }
  TFE_ContextAddFunction(call.Context(), function.get(), status);
  status.Check();
  return nullptr;
}

napi_value RemoveFunction(const Call& call) {
  Status status;
  TFE_ContextRemoveFunction(call.Context(), call.arguments[0].String().c_str(), status);
  status.Check();
  return nullptr;
}

napi_value CountXlaCompilations(const Call& call) {
  napi_value count;
  napi_create_int64(call.env, XlaCompilations(), &count);
  return count;
}

napi_value CanXlaCompile(const Call& call) {
  napi_value can;
  napi_get_boolean(call.env, XlaCanCompile(call.arguments[0].String()), &can);
  return can;
}

napi_value HasKernels(const Call& call) {
  napi_value has;
  napi_get_boolean(call.env, RegisterKernels(), &has);
  return has;
}

}  // namespace

napi_status DefineGraphFunctions(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      Method("graphNew", Guarded<NewGraph, 0>),
      Method("graphAdd", Guarded<AddOperation, 5>),
      Method("graphSetShape", Guarded<SetShape, 3>),
      Method("graphDefineFunction", Guarded<DefineFunction, 6>),
      Method("graphDelete", Guarded<DeleteGraph, 1>),
      Method("functionRemove", Guarded<RemoveFunction, 1>),
      Method("xlaCompilations", Guarded<CountXlaCompilations, 0>),
      Method("xlaCanCompile", Guarded<CanXlaCompile, 1>),
      Method("xlaHasKernels", Guarded<HasKernels, 0>),
  };
  return napi_define_properties(env, exports, sizeof(methods) / sizeof(methods[0]), methods);
}

}  // namespace tfnodejs
