// Not part of any program: mutex_annotations_test compiles it with and without -DPLANTED.
#include "common/base/mutex.h"

class Account {
 public:
  void Deposit() {
#ifndef PLANTED
    const muster::MutexLock lock(&mutex_);
#endif
    ++balance_;
  }

 private:
  muster::Mutex mutex_;
  int balance_ ABSL_GUARDED_BY(mutex_) = 0;
};

void Use() { Account().Deposit(); }
