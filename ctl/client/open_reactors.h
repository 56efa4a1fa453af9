#ifndef MUSTER_CTL_CLIENT_OPEN_REACTORS_H_
#define MUSTER_CTL_CLIENT_OPEN_REACTORS_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace muster {

// Counts the calls that gRPC still has in hand, so that nobody leaves before them. Thread-safe.
class OpenReactors {
 public:
  void Add() {
    absl::MutexLock lock(&mutex_);
    ++open_;
  }
  void Remove() {
    absl::MutexLock lock(&mutex_);
    --open_;
  }
  // Blocks until all are gone.
  void Wait() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](int* open) { return *open == 0; }, &open_));
  }

 private:
  absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_OPEN_REACTORS_H_
