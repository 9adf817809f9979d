// tfjs_binding.node as Node sees it. It loads the real binding beside it and hides the note on oneDNN that TensorFlow 2.21 writes to stderr
// from a static initialiser, before it has read TF_CPP_MIN_LOG_LEVEL.
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace {

// Redirects stderr to /dev/null during its lifetime.
class SilentStderr {
 public:
  SilentStderr() : saved_(dup(2)) {
    int null = open("/dev/null", O_WRONLY);
    if (null >= 0) {
      dup2(null, 2);
      close(null);
    }
  }
  ~SilentStderr() {
    if (saved_ >= 0) {
      dup2(saved_, 2);
      close(saved_);
    }
  }

 private:
  int saved_;
};

void* LoadBeside(const char* name) {
  Dl_info self;
  dladdr(reinterpret_cast<void*>(&LoadBeside), &self);
  std::string path(self.dli_fname);
  path = path.substr(0, path.find_last_of('/') + 1) + name;
  const char* level = getenv("TF_CPP_MIN_LOG_LEVEL");
  // RTLD_LAZY: TensorFlow calls 194,000 functions by name, of which a process needs a few thousand; finding all of them took 80 of 290 ms.
  if (level == nullptr || atoi(level) == 0) return dlopen(path.c_str(), RTLD_LAZY);
  SilentStderr silent;
  return dlopen(path.c_str(), RTLD_LAZY);
}

}  // namespace

NAPI_MODULE_INIT() {
  void* binding = LoadBeside("tfjs_tensorflow.so");
  using Init = napi_value (*)(napi_env, napi_value);
  Init init = binding == nullptr ? nullptr : reinterpret_cast<Init>(dlsym(binding, "napi_register_module_v1"));
  if (init == nullptr) {
    napi_throw_error(env, nullptr, dlerror());
    return nullptr;
  }
  return init(env, exports);
}
