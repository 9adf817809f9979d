// Building TensorFlow functions from JavaScript: an addition to the binding of @tensorflow/tfjs-node-gpu.
//
// A graph is made operation by operation; TensorFlow infers the type and shape of every output as it is added, so nothing
// runs. A part of it becomes a function of the eager context, which the binding's ordinary executeOp calls by its name.
//
//   graphNew() -> graph
//   graphAdd(graph, type, name, attributes, inputs) -> [{id, dtype, shape}]     inputs: (id | id[])[], shape: null if unknown
//   graphSetShape(graph, id, shape)
//   graphDefineFunction(graph, name, operations, inputs, outputs, marks)   operations: names; inputs, outputs: ids;
//                                                  marks: attributes of the function to be true, such as _XlaMustCompile
//   graphDelete(graph)
//   functionRemove(name)
//   xlaCompilations() -> how many programs XLA has compiled in this process
//   xlaCanCompile(type) -> whether XLA knows operations of this type
//   xlaHasKernels() -> whether XLA's programs for the CPU can call the kernels of kernels.h
#include "graph.h"
#include "kernels.h"

#include <stdint.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include "tfjs_backend.h"

namespace tfnodejs {
namespace {

struct Graph {
  TF_Graph* graph = TF_NewGraph();
  std::vector<TF_Output> symbols;  // by id, in the order of their making

  ~Graph() { Clear(); }
  void Clear() {
    if (graph != nullptr) TF_DeleteGraph(graph);
    graph = nullptr;
    symbols.clear();
  }
};

class Status {
 public:
  ~Status() { TF_DeleteStatus(status_); }
  operator TF_Status*() { return status_; }
  void Check() {
    if (TF_GetCode(status_) != TF_OK) throw std::runtime_error(TF_Message(status_));
  }

 private:
  TF_Status* status_ = TF_NewStatus();
};

// A JavaScript value and how to read it; what is not of the expected kind throws.
class Value {
 public:
  Value(napi_env env, napi_value value) : env_(env), value_(value) {}

  double Number() const {
    double number;
    Require(napi_get_value_double(env_, value_, &number), "a number");
    return number;
  }
  int64_t Integer() const {
    int64_t integer;
    Require(napi_get_value_int64(env_, value_, &integer), "an integer");
    return integer;
  }
  bool Boolean() const {
    bool boolean;
    Require(napi_get_value_bool(env_, value_, &boolean), "a boolean");
    return boolean;
  }
  std::string String() const {
    size_t length;
    Require(napi_get_value_string_utf8(env_, value_, nullptr, 0, &length), "a string");
    std::string text(length, '\0');
    napi_get_value_string_utf8(env_, value_, &text[0], length + 1, &length);
    return text;
  }
  bool IsArray() const {
    bool is_array = false;
    napi_is_array(env_, value_, &is_array);
    return is_array;
  }
  std::vector<Value> Items() const {
    uint32_t length;
    Require(napi_get_array_length(env_, value_, &length), "an array");
    std::vector<Value> items;
    for (uint32_t i = 0; i < length; i++) {
      napi_value item;
      Require(napi_get_element(env_, value_, i, &item), "an array");
      items.emplace_back(env_, item);
    }
    return items;
  }
  std::vector<int64_t> Integers() const {
    std::vector<int64_t> integers;
    for (const Value& item : Items()) integers.push_back(item.Integer());
    return integers;
  }
  Value Get(const char* property) const {
    napi_value value;
    Require(napi_get_named_property(env_, value_, property, &value), "an object");
    return Value(env_, value);
  }
  std::string Bytes() const {
    napi_typedarray_type type;
    size_t length;
    void* data;
    Require(napi_get_typedarray_info(env_, value_, &type, &length, &data, nullptr, nullptr), "a Uint8Array");
    if (type != napi_uint8_array) throw std::runtime_error("expected a Uint8Array");
    return std::string(static_cast<const char*>(data), length);
  }
  Graph& AsGraph() const {
    void* graph;
    Require(napi_get_value_external(env_, value_, &graph), "a graph");
    if (static_cast<Graph*>(graph)->graph == nullptr) throw std::runtime_error("the graph is deleted");
    return *static_cast<Graph*>(graph);
  }

 private:
  static void Require(napi_status status, const char* kind) {
    if (status != napi_ok) throw std::runtime_error(std::string("expected ") + kind);
  }

  napi_env env_;
  napi_value value_;
};

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

// An operation in the making. TF_FinishOperation frees it, so it is called in any case.
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
      const std::string text = value.String();
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

// What one call from JavaScript brings: the environment and its arguments.
struct Call {
  napi_env env;
  std::vector<Value> arguments;

  TFE_Context* Context() const {
    void* backend = nullptr;
    napi_get_instance_data(env, &backend);
    if (backend == nullptr) throw std::runtime_error("the TensorFlow backend is gone");
    return static_cast<TFJSBackend*>(backend)->context();
  }
};

napi_value NewGraph(const Call& call) {
  napi_value external;
  auto finalize = [](napi_env, void* graph, void*) { delete static_cast<Graph*>(graph); };
  auto graph = std::make_unique<Graph>();
  if (napi_create_external(call.env, graph.get(), finalize, nullptr, &external) != napi_ok) throw std::runtime_error("out of memory");
  graph.release();
  return external;
}

napi_value DeleteGraph(const Call& call) {
  call.arguments[0].AsGraph().Clear();
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
  Graph& graph = call.arguments[0].AsGraph();
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
  Graph& graph = call.arguments[0].AsGraph();
  const std::vector<int64_t> shape = call.arguments[2].Integers();
  Status status;
  TF_GraphSetTensorShape(graph.graph, Symbol(graph, call.arguments[1]), shape.data(), shape.size(), status);
  status.Check();
  return nullptr;
}

napi_value DefineFunction(const Call& call) {
  Graph& graph = call.arguments[0].AsGraph();
  std::vector<TF_Operation*> operations;
  for (const Value& name : call.arguments[2].Items()) {
    operations.push_back(TF_GraphOperationByName(graph.graph, name.String().c_str()));
    if (operations.back() == nullptr) throw std::runtime_error("no operation '" + name.String() + "' in the graph");
  }
  const std::vector<TF_Output> inputs = Symbols(graph, call.arguments[3]);
  const std::vector<TF_Output> outputs = Symbols(graph, call.arguments[4]);
  Status status;
  using Function = std::unique_ptr<TF_Function, decltype(&TF_DeleteFunction)>;
  const Function marked(
      TF_GraphToFunction(graph.graph, call.arguments[1].String().c_str(), 0, operations.size(), operations.data(), inputs.size(),
                         inputs.data(), outputs.size(), outputs.data(), nullptr, nullptr, nullptr, status),
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

// Runs `body` with the call's `count` arguments; what it throws becomes a JavaScript error.
template <napi_value (*body)(const Call&), size_t count>
napi_value Guarded(napi_env env, napi_callback_info info) {
  try {
    napi_value values[count + 1];
    size_t given = count;
    if (napi_get_cb_info(env, info, &given, values, nullptr, nullptr) != napi_ok || given < count) {
      throw std::runtime_error("expected " + std::to_string(count) + " arguments");
    }
    Call call{env, {}};
    for (size_t i = 0; i < count; i++) call.arguments.emplace_back(env, values[i]);
    return body(call);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

}  // namespace

napi_status DefineGraphFunctions(napi_env env, napi_value exports) {
  auto method = [](const char* name, napi_callback callback) {
    return napi_property_descriptor{name, nullptr, callback, nullptr, nullptr, nullptr, napi_default, nullptr};
  };
  const napi_property_descriptor methods[] = {
      method("graphNew", Guarded<NewGraph, 0>),
      method("graphAdd", Guarded<AddOperation, 5>),
      method("graphSetShape", Guarded<SetShape, 3>),
      method("graphDefineFunction", Guarded<DefineFunction, 6>),
      method("graphDelete", Guarded<DeleteGraph, 1>),
      method("functionRemove", Guarded<RemoveFunction, 1>),
      method("xlaCompilations", Guarded<CountXlaCompilations, 0>),
      method("xlaCanCompile", Guarded<CanXlaCompile, 1>),
      method("xlaHasKernels", Guarded<HasKernels, 0>),
  };
  return napi_define_properties(env, exports, sizeof(methods) / sizeof(methods[0]), methods);
}

}  // namespace tfnodejs
