#include "common/base/mutex.h"

#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

class Counter {
 public:
  void Add() {
    const MutexLock lock(&mutex_);
    ++count_;
    changed_.Signal();
  }
  void AwaitAtLeast(int count) {
    const MutexLock lock(&mutex_);
    while (count_ < count) changed_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, OneThreadAtATimeAndTheWaiterIsWoken) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 1000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counter] {
      for (int n = 0; n < kTimes; ++n) counter.Add();
    });
  }
  counter.AwaitAtLeast(kThreads * kTimes);  // Hangs if an increment was lost.
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace muster
