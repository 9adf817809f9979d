#include "hugePages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "tensorflow/core/common_runtime/process_state.h"

namespace tfnodejs {
namespace {

void AskForHugePages(void* region, int, size_t bytes) {
  const uintptr_t page = sysconf(_SC_PAGESIZE), begin = reinterpret_cast<uintptr_t>(region);
  const uintptr_t first = (begin + page - 1) / page * page, end = (begin + bytes) / page * page;
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);  // a hint, which the system may ignore
}

// The allocator that reports its regions stops at 64 GiB of them, used or not; malloc stops at the machine's limit.
void RaiseLimit() {
  const int64_t mebibytes = (static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE)) >> 20;
  setenv("TF_CPU_BFC_MEM_LIMIT_IN_MB", std::to_string(std::max<int64_t>(4 * mebibytes, 1 << 16)).c_str(), 0);
}

// Whether this is the first call in this process, over all copies of the binding that it has loaded. Child processes inherit the variable.
bool IsFirst() {
  constexpr char kName[] = "LOWRANK_HUGE_PAGES_OF";
  const std::string process = std::to_string(getpid());
  const char* asked = getenv(kName);
  if (asked != nullptr && process == asked) return false;
  setenv(kName, process.c_str(), 1);
  return true;
}

}  // namespace

void UseHugePages() {
  if (!IsFirst()) return;
  RaiseLimit();
  tensorflow::ProcessState::singleton()->AddCPUAllocVisitor(AskForHugePages);
}

}  // namespace tfnodejs
