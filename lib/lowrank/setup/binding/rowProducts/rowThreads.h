#ifndef LOWRANK_ROW_THREADS_H_
#define LOWRANK_ROW_THREADS_H_

#include <stdint.h>

#include <functional>

namespace tfnodejs {

// Calls `run` for each part from 0 to `parts` - 1, on this thread and up to `threads` - 1 others at once; returns when all parts are
// done.
void RunParts(int64_t threads, int64_t parts, std::function<void(int64_t part)> run);

}  // namespace tfnodejs

#endif  // LOWRANK_ROW_THREADS_H_
