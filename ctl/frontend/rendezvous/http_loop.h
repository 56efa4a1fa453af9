#ifndef MUSTER_CTL_FRONTEND_RENDEZVOUS_HTTP_LOOP_H_
#define MUSTER_CTL_FRONTEND_RENDEZVOUS_HTTP_LOOP_H_

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/base/mutex.h"
#include "common/base/unique_fd.h"

struct event;
struct event_base;

namespace muster {

// libevent's event loop, which its HTTP needs, on a thread of its own. All that libevent holds is
// touched from there alone; others hand in tasks.
class HttpLoop {
 public:
  using Task = std::function<void()>;

  HttpLoop();
  // Runs what was posted, then ends the thread. Nothing on base() may be left but what the last
  // task frees.
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  event_base* base() { return base_; }
  // Any thread; tasks keep their order.
  void Post(Task task);
  // Runs `task` there and waits for it. Not from the loop's own thread.
  void Call(Task task);

 private:
  static void OnWake(int fd, short events, void* self);  // NOLINT(runtime/int): libevent's type.
  void RunPosted();

  UniqueFd wake_;
  event_base* base_ = nullptr;
  event* wake_event_ = nullptr;
  Mutex mutex_;
  std::vector<Task> posted_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_RENDEZVOUS_HTTP_LOOP_H_
