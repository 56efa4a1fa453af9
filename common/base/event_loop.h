#ifndef MUSTER_COMMON_BASE_EVENT_LOOP_H_
#define MUSTER_COMMON_BASE_EVENT_LOOP_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/unique_fd.h"

namespace muster {

// One thread, and all state that it owns: the concurrency model of every daemon here. Posted tasks,
// timers and descriptor events run one after another on the thread that calls Run(). Only Post(),
// Stop() and OnLoop() may be called from other threads.
//
// Before Run() the thread that made the loop counts as the loop's. Timers count on Clock::Boot(),
// also while the host sleeps; a test with a fake clock moves it and calls RunDue().
class EventLoop {
 public:
  using Task = std::function<void()>;
  using TimerId = uint64_t;  // Never 0, never reused.

  explicit EventLoop(const Clock* clock = Clock::Real());  // `clock` must outlive this object.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until Stop(). Tasks that were posted before the stop are still run.
  void Run();
  void Stop();

  // Queues `task`; tasks of one thread keep their order. Any thread, also from the loop's own.
  void Post(Task task);
  // Whether the caller is on the loop's thread.
  bool OnLoop() const;

  // Runs `task` once, `delay` from now at the earliest.
  TimerId After(absl::Duration delay, Task task);
  // Unknown and past ids are fine.
  void Cancel(TimerId timer);

  // Calls `on_ready` with the epoll bits each time `fd` is ready, level-triggered. One watch per
  // descriptor; unwatch before closing it.
  void Watch(int fd, uint32_t epoll_events, std::function<void(uint32_t)> on_ready);
  // Changes the bits of an existing watch.
  void Rewatch(int fd, uint32_t epoll_events);
  void Unwatch(int fd);

  // Runs all that is due now, without waiting. Returns whether anything was run. For tests.
  bool RunDue();

  const Clock* clock() const { return clock_; }

 private:
  struct Watcher {
    uint32_t serial = 0;  // Tells it from an earlier watch of the same descriptor number.
    std::function<void(uint32_t)> on_ready;
  };
  using TimerKey = std::pair<absl::Duration, TimerId>;

  bool RunPosted();
  bool RunTimers();
  bool RunReady(int timeout_ms);
  void Control(int operation, int fd, uint32_t epoll_events, uint32_t serial);
  int TimeoutMs() const;
  void SetAlarm(int timeout_ms);
  void Wake();

  const Clock* const clock_;
  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd alarm_;  // On CLOCK_BOOTTIME, for a wait that is long.
  std::atomic<pthread_t> thread_;
  std::atomic<bool> stop_{false};

  Mutex mutex_;
  std::vector<Task> posted_ ABSL_GUARDED_BY(mutex_);

  TimerId next_timer_ = 1;
  std::map<TimerKey, Task> timers_;
  std::unordered_map<TimerId, absl::Duration> deadlines_;
  uint32_t next_serial_ = 1;
  std::unordered_map<int, std::shared_ptr<Watcher>> watchers_;
};

// A loop with a thread of its own, which the destructor stops and joins.
class LoopThread {
 public:
  explicit LoopThread(const Clock* clock = Clock::Real());
  ~LoopThread();
  EventLoop* loop() { return &loop_; }
  // Runs `task` on the loop and waits for it.
  void Call(EventLoop::Task task);

 private:
  EventLoop loop_;
  std::thread thread_;
};

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_EVENT_LOOP_H_
