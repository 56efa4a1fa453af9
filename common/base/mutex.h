#ifndef MUSTER_COMMON_BASE_MUTEX_H_
#define MUSTER_COMMON_BASE_MUTEX_H_

#include <pthread.h>

#include "absl/base/thread_annotations.h"

namespace muster {

// A mutex that both checkers see. Clang's analysis knows it by its annotations, as it does not know
// std::mutex; ThreadSanitizer by the pthread calls, as it does not know Debian's absl::Mutex, which
// is compiled without it (docs/building.md). For the few fields that threads share: an engine runs
// on its loop and has none.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { pthread_mutex_lock(&mutex_); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { pthread_mutex_unlock(&mutex_); }

 private:
  friend class CondVar;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

// Holds `mutex` for as long as it lives.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// Waits under a Mutex. Wait() may return for nothing: ask for the condition in a loop.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    pthread_cond_wait(&condition_, &mutex->mutex_);
  }
  void Signal() { pthread_cond_signal(&condition_); }

 private:
  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
};

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_MUTEX_H_
