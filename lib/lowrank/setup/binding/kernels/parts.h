#ifndef LOWRANK_PARTS_H_
#define LOWRANK_PARTS_H_

#include <stdint.h>

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

namespace tfnodejs {

// Waits a few dozen cycles. Yielding instead would give the processor to other spinning threads, such as TensorFlow's.
inline void Pause() { __builtin_ia32_pause(); }

// The parts of a task, which threads take one by one. A late thread finds none left and touches nothing else.
struct Parts {
  Parts(int64_t parts, std::function<void(int64_t)> run) : parts(parts), run(std::move(run)), left(parts) {}
  const int64_t parts;
  const std::function<void(int64_t)> run;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> left;

  void Work() {
    for (int64_t part; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;) {
      run(part);
      left.fetch_sub(1, std::memory_order_release);
    }
  }

  // After Work(), only parts that another thread has started are open, so this never waits for a thread that is itself waiting.
  void WaitForOthers() const {
    constexpr int64_t kSpins = 10000;  // spinning longer would keep another thread off the processor
    for (int64_t spins = 0; left.load(std::memory_order_acquire) > 0; spins++) {
      if (spins < kSpins) Pause();
      else std::this_thread::yield();
    }
  }
};

}  // namespace tfnodejs

#endif  // LOWRANK_PARTS_H_
