// The threads of the products. A decoder has hundreds to a token, each of which takes less time than to wake a thread: so these stay
// awake for a little after each.
#include "rowThreads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace tfnodejs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAwake = std::chrono::milliseconds(1);
constexpr int64_t kSpins = 10000;  // of a thread that waits for the last parts: more, and another is kept from its processor

// Waits a few dozen cycles. To yield instead would give the processor to threads that spin themselves, as TensorFlow's do.
inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The parts of a product, which threads take one after another. A thread that comes late finds none left and touches nothing else.
struct Job {
  Job(int64_t parts, std::function<void(int64_t)> run) : parts(parts), run(std::move(run)), left(parts) {}
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
};

class Helpers {
 public:
  // Hands the job to all helpers, of which there are to be at least so many. One who is busy with another job may not come.
  void Share(std::shared_ptr<Job> job, int64_t count) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (; count_ < count; count_++) std::thread([this] { Help(); }).detach();
    job_ = std::move(job);
    jobs_.fetch_add(1, std::memory_order_release);
    if (asleep_ > 0) wake_.notify_all();
  }

 private:
  void Help() {
    for (uint64_t seen = 0;;) {
      const auto until = Clock::now() + kAwake;
      while (jobs_.load(std::memory_order_acquire) == seen && Clock::now() < until) Pause();
      std::shared_ptr<Job> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        asleep_++;
        wake_.wait(lock, [&] { return jobs_.load(std::memory_order_relaxed) != seen; });
        asleep_--;
        seen = jobs_.load(std::memory_order_relaxed);
        job = job_;
      }
      job->Work();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  int64_t count_ = 0, asleep_ = 0;
  std::atomic<uint64_t> jobs_{0};
  std::shared_ptr<Job> job_;
};

}  // namespace

void RunParts(int64_t threads, int64_t parts, std::function<void(int64_t part)> run) {
  static Helpers* const helpers = new Helpers;  // never deleted: its threads may outlive static objects
  auto job = std::make_shared<Job>(parts, std::move(run));
  if (threads > 1 && parts > 1) helpers->Share(job, threads - 1);
  job->Work();
  // Only parts that another thread has begun are open now, so this cannot wait for a thread that waits itself.
  for (int64_t spins = 0; job->left.load(std::memory_order_acquire) > 0; spins++) {
    if (spins < kSpins) Pause();
    else std::this_thread::yield();
  }
}

}  // namespace tfnodejs
