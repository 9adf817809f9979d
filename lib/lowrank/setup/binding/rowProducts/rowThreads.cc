// The threads of the products. A decoder runs hundreds of products per token, and each takes less time than waking a thread, so the threads
// stay awake for a short time after each product.
#include "rowThreads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "parts.h"

namespace tfnodejs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAwake = std::chrono::milliseconds(1);

class Helpers {
 public:
  // Offers the job to all helpers, after starting enough of them. A helper that is busy with another job may not take it.
  void Share(std::shared_ptr<Parts> job, int64_t count) {
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
      std::shared_ptr<Parts> job;
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
  std::shared_ptr<Parts> job_;
};

}  // namespace

void RunParts(int64_t threads, int64_t parts, std::function<void(int64_t part)> run) {
  static Helpers* const helpers = new Helpers;  // never deleted, because its threads may outlive static objects
  auto job = std::make_shared<Parts>(parts, std::move(run));
  if (threads > 1 && parts > 1) helpers->Share(job, threads - 1);
  job->Work();
  job->WaitForOthers();
}

}  // namespace tfnodejs
