#include "ctl/frontend/rendezvous/http_loop.h"

#include <sys/eventfd.h>

#include <csignal>
#include <future>
#include <memory>
#include <utility>

#include "event2/event.h"
#include "glog/logging.h"

namespace muster {
namespace {

// Signals are the main thread's; SIGPIPE, which libevent's writes can raise, is nobody's.
void BlockAllSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

HttpLoop::HttpLoop() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), base_(event_base_new()) {
  PCHECK(wake_.valid()) << "eventfd";
  CHECK(base_ != nullptr) << "event_base_new";
  wake_event_ = event_new(base_, wake_.get(), EV_READ | EV_PERSIST, &HttpLoop::OnWake, this);
  event_add(wake_event_, nullptr);
  thread_ = std::thread([this] {
    BlockAllSignals();
    event_base_dispatch(base_);
  });
}

HttpLoop::~HttpLoop() {
  Post([this] { event_base_loopbreak(base_); });
  thread_.join();
  event_free(wake_event_);
  event_base_free(base_);
}

void HttpLoop::Post(Task task) {
  {
    MutexLock lock(&mutex_);
    posted_.push_back(std::move(task));
  }
  eventfd_write(wake_.get(), 1);
}

void HttpLoop::Call(Task task) {
  std::promise<void> done;
  Post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void HttpLoop::OnWake(int fd, short /*events*/, void* self) {  // NOLINT(runtime/int)
  eventfd_t count;
  eventfd_read(fd, &count);
  static_cast<HttpLoop*>(self)->RunPosted();
}

void HttpLoop::RunPosted() {
  std::vector<Task> tasks;
  {
    MutexLock lock(&mutex_);
    tasks.swap(posted_);
  }
  for (const Task& task : tasks) task();
}

}  // namespace muster
