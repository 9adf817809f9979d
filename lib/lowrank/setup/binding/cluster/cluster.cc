// Several processes as one cluster, by TensorFlow's own gRPC server, collectives and coordination service.
//
// Every call that waits for other processes returns a promise and waits on a thread of its own pool, so JavaScript can go on meanwhile.
//
//   clusterJoin(server, task, port, addresses) -> promise
//     server: a tensorflow.ServerDef in protobuf's text format; task: this process's name in it; port: on which it listens;
//     addresses: the only ones to which others can connect, or all if there are none. The promise resolves to the reason why others can
//     connect to further addresses, or to '' if they cannot
//   clusterSet(key, value) -> promise     visible to all workers; a key can be set once
//   clusterGet(key, milliseconds) -> promise of its value; waits until the key is set
//   clusterReport(message) -> promise     ends the collectives of all workers with this error
//   clusterWatch(milliseconds)            ends the collectives of this process unless it is called again within that time; 0 ends the watch
//   clusterCheckPeer(task, milliseconds) -> promise that is rejected when the task's server does not answer
#include "cluster.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "calls.h"
#include "listening.h"
#include "tensorflow/c/c_api_experimental.h"
#include "tensorflow/c/eager/c_api_experimental.h"

namespace tfnodejs {
namespace {

// Blocking work, and the promise of its result.
struct Waiting {
  std::function<std::string()> work;  // on another thread
  std::function<void()> done;         // on JavaScript's thread, before the promise is fulfilled
  std::string result, error;
  bool is_failed = false;
  napi_deferred promise = nullptr;
  napi_async_work async = nullptr;

  static void Run(napi_env, void* data) {
    Waiting& self = *static_cast<Waiting*>(data);
    try {
      self.result = self.work();
    } catch (const std::exception& error) {
      self.Fail(error);
    }
  }

  static void Complete(napi_env env, napi_status, void* data) {
    const std::unique_ptr<Waiting> self(static_cast<Waiting*>(data));
    try {
      if (!self->is_failed) self->done();
    } catch (const std::exception& error) {
      self->Fail(error);
    }
    napi_value text, value;
    const std::string& said = self->is_failed ? self->error : self->result;
    napi_create_string_utf8(env, said.data(), said.size(), &text);
    if (self->is_failed) {
      napi_create_error(env, nullptr, text, &value);
      napi_reject_deferred(env, self->promise, value);
    } else {
      napi_resolve_deferred(env, self->promise, text);
    }
    napi_delete_async_work(env, self->async);
  }

 private:
  void Fail(const std::exception& cause) {
    is_failed = true;
    error = cause.what();
  }
};

napi_value Promise(const Call& call, std::function<std::string()> work, std::function<void()> done = [] {}) {
  auto waiting = std::make_unique<Waiting>();
  waiting->work = std::move(work);
  waiting->done = std::move(done);
  napi_value promise, name;
  napi_create_string_utf8(call.env, "cluster", NAPI_AUTO_LENGTH, &name);
  if (napi_create_promise(call.env, &waiting->promise, &promise) != napi_ok ||
      napi_create_async_work(call.env, nullptr, name, Waiting::Run, Waiting::Complete, waiting.get(), &waiting->async) != napi_ok ||
      napi_queue_async_work(call.env, waiting->async) != napi_ok) {
    throw std::runtime_error("out of memory");
  }
  waiting.release();
  return promise;
}

napi_value Join(const Call& call) {
  const std::string server = SerializedServer(call.arguments[0].String());
  TFE_Context* context = call.Context();
  TFJSBackend* backend = call.Backend();
  const std::string task = call.arguments[1].String();
  const int port = static_cast<int>(call.arguments[2].Integer());
  std::vector<std::string> addresses;
  for (const Value& address : call.arguments[3].Items()) addresses.push_back(address.String());
  const auto join = [=] {
    Listening listening(port, addresses);
    Status status;
    TFE_EnableCollectiveOps(context, server.data(), server.size(), status);
    status.Check();
    return listening.End();
  };
  return Promise(call, join, [=] {
    if (!backend->FindDevice(task + "/")) throw std::runtime_error(task + " has no device");
  });
}

napi_value Set(const Call& call) {
  TFE_Context* context = call.Context();
  const std::string key = call.arguments[0].String(), value = call.arguments[1].String();
  return Promise(call, [=] {
    Status status;
    TFE_InsertConfigKeyValue(context, key.c_str(), value.c_str(), status);
    status.Check();
    return std::string();
  });
}

napi_value Get(const Call& call) {
  TFE_Context* context = call.Context();
  const std::string key = call.arguments[0].String();
  const int64_t milliseconds = call.arguments[1].Integer();
  return Promise(call, [=] {
    Status status;
    const std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)> value(TF_NewBuffer(), &TF_DeleteBuffer);
    TFE_GetConfigKeyValue(context, key.c_str(), milliseconds, value.get(), status);
    status.Check();
    return std::string(static_cast<const char*>(value->data), value->length);
  });
}

napi_value Report(const Call& call) {
  TFE_Context* context = call.Context();
  const std::string message = call.arguments[0].String();
  return Promise(call, [=] {
    Status status;
    TFE_ReportErrorToCluster(context, TF_ABORTED, message.c_str(), status);
    status.Check();
    return std::string();
  });
}

// Aborts collectives that other workers never join. After TensorFlow's own time-out, the operation returns while its threads still use its
// memory, and the process dies of a segmentation fault; an abort waits for these threads.
class Watch {
 public:
  static Watch& Get() {
    static Watch* watch = new Watch();  // never destroyed: its thread runs until the process ends
    return *watch;
  }

  void Set(TFE_Context* context, int64_t milliseconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    context_ = context;
    is_on_ = milliseconds > 0;
    end_ = Clock::now() + std::chrono::milliseconds(milliseconds);
    changed_.notify_one();
  }

 private:
  using Clock = std::chrono::steady_clock;

  Watch() {
    std::thread([this] { Run(); }).detach();
  }

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      if (!is_on_) {
        changed_.wait(lock);
      } else if (Clock::now() < end_) {
        changed_.wait_until(lock, end_);
      } else {
        is_on_ = false;
        Status status;
        TF_SetStatus(status, TF_DEADLINE_EXCEEDED, "lowrank: not every worker came in time");
        TFE_AbortCollectiveOps(context_, status);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  TFE_Context* context_ = nullptr;
  bool is_on_ = false;
  Clock::time_point end_;
};

napi_value SetWatch(const Call& call) {
  Watch::Get().Set(call.Context(), call.arguments[0].Integer());
  return nullptr;
}

napi_value CheckPeer(const Call& call) {
  TFE_Context* context = call.Context();
  const std::string task = call.arguments[0].String();
  const int64_t milliseconds = call.arguments[1].Integer();
  return Promise(call, [=] {
    Status status;
    TFE_CollectiveOpsCheckPeerHealth(context, task.c_str(), milliseconds, status);
    status.Check();
    return std::string();
  });
}

}  // namespace

napi_status DefineClusterFunctions(napi_env env, napi_value exports) {
  const napi_property_descriptor methods[] = {
      Method("clusterJoin", Guarded<Join, 4>),      Method("clusterSet", Guarded<Set, 2>),
      Method("clusterGet", Guarded<Get, 2>),        Method("clusterReport", Guarded<Report, 1>),
      Method("clusterWatch", Guarded<SetWatch, 1>), Method("clusterCheckPeer", Guarded<CheckPeer, 2>),
  };
  return napi_define_properties(env, exports, sizeof(methods) / sizeof(methods[0]), methods);
}

}  // namespace tfnodejs
