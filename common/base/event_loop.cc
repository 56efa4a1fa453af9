#include "common/base/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <future>

#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kEventsPerRound = 64;
// epoll does not count while the host sleeps. For what is shorter that makes no difference.
constexpr int kNeedsAlarmMs = 100;

}  // namespace

EventLoop::EventLoop(const Clock* clock)
    : clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      alarm_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)),
      thread_(pthread_self()) {
  PCHECK(epoll_.valid()) << "epoll_create1";
  PCHECK(wake_.valid()) << "eventfd";
  PCHECK(alarm_.valid()) << "timerfd_create";
  Control(EPOLL_CTL_ADD, wake_.get(), EPOLLIN, /*serial=*/0);
  Control(EPOLL_CTL_ADD, alarm_.get(), EPOLLIN, /*serial=*/0);
}

EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  thread_.store(pthread_self());
  while (!stop_.load()) {
    RunReady(TimeoutMs());
    RunTimers();
    RunPosted();
  }
  RunPosted();
}

void EventLoop::Stop() {
  stop_.store(true);
  Wake();
}

void EventLoop::Post(Task task) {
  bool first;
  {
    const MutexLock lock(&mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) Wake();
}

bool EventLoop::OnLoop() const { return pthread_equal(thread_.load(), pthread_self()) != 0; }

EventLoop::TimerId EventLoop::After(absl::Duration delay, Task task) {
  DCHECK(OnLoop());
  const TimerId id = next_timer_++;
  const absl::Duration deadline = clock_->Boot() + std::max(delay, absl::ZeroDuration());
  timers_.emplace(TimerKey(deadline, id), std::move(task));
  deadlines_.emplace(id, deadline);
  return id;
}

void EventLoop::Cancel(TimerId timer) {
  DCHECK(OnLoop());
  auto it = deadlines_.find(timer);
  if (it == deadlines_.end()) return;
  timers_.erase(TimerKey(it->second, timer));
  deadlines_.erase(it);
}

void EventLoop::Watch(int fd, uint32_t epoll_events, std::function<void(uint32_t)> on_ready) {
  DCHECK(OnLoop());
  auto watcher = std::make_shared<Watcher>();
  watcher->serial = next_serial_++;
  watcher->on_ready = std::move(on_ready);
  Control(EPOLL_CTL_ADD, fd, epoll_events, watcher->serial);
  watchers_[fd] = std::move(watcher);
}

void EventLoop::Rewatch(int fd, uint32_t epoll_events) {
  DCHECK(OnLoop());
  const auto it = watchers_.find(fd);
  CHECK(it != watchers_.end()) << "descriptor " << fd << " is not watched";
  Control(EPOLL_CTL_MOD, fd, epoll_events, it->second->serial);
}

void EventLoop::Unwatch(int fd) {
  DCHECK(OnLoop());
  if (watchers_.erase(fd) > 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

bool EventLoop::RunDue() {
  bool ran_any = false;
  bool ran;
  do {
    ran = RunReady(0);
    ran = RunTimers() || ran;
    ran = RunPosted() || ran;
    ran_any = ran_any || ran;
  } while (ran);
  return ran_any;
}

bool EventLoop::RunPosted() {
  std::vector<Task> tasks;
  {
    const MutexLock lock(&mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) {
    task();
    task = nullptr;  // What it captured dies here, before the next one runs.
  }
  return !tasks.empty();
}

bool EventLoop::RunTimers() {
  bool ran = false;
  const absl::Duration now = clock_->Boot();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto first = timers_.begin();
    Task task = std::move(first->second);
    deadlines_.erase(first->first.second);
    timers_.erase(first);
    task();
    ran = true;
  }
  return ran;
}

bool EventLoop::RunReady(int timeout_ms) {
  if (timeout_ms >= kNeedsAlarmMs) SetAlarm(timeout_ms);
  epoll_event events[kEventsPerRound];
  const int n = epoll_wait(epoll_.get(), events, kEventsPerRound, timeout_ms);
  PCHECK(n >= 0 || errno == EINTR) << "epoll_wait";
  bool ran = false;
  for (int i = 0; i < n; ++i) {
    const int fd = static_cast<int>(events[i].data.u64 & UINT32_MAX);
    const auto serial = static_cast<uint32_t>(events[i].data.u64 >> 32);
    if (fd == wake_.get() || fd == alarm_.get()) {
      uint64_t ignored;
      while (read(fd, &ignored, sizeof(ignored)) > 0) {
      }
      continue;
    }
    auto it = watchers_.find(fd);
    // Unwatched by an earlier event of this round; the number may be another file's by now.
    if (it == watchers_.end() || it->second->serial != serial) continue;
    const std::shared_ptr<Watcher> watcher = it->second;  // It may unwatch itself.
    watcher->on_ready(events[i].events);
    ran = true;
  }
  return ran;
}

void EventLoop::Control(int operation, int fd, uint32_t epoll_events, uint32_t serial) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.u64 = uint64_t{serial} << 32 | static_cast<uint32_t>(fd);
  PCHECK(epoll_ctl(epoll_.get(), operation, fd, &event) == 0) << "epoll_ctl of descriptor " << fd;
}

int EventLoop::TimeoutMs() const {
  if (stop_.load()) return 0;
  if (timers_.empty()) return -1;
  const absl::Duration left = timers_.begin()->first.first - clock_->Boot();
  if (left <= absl::ZeroDuration()) return 0;
  const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

void EventLoop::SetAlarm(int timeout_ms) {
  itimerspec alarm = {};
  alarm.it_value.tv_sec = timeout_ms / 1000;
  alarm.it_value.tv_nsec = timeout_ms % 1000 * 1'000'000;
  timerfd_settime(alarm_.get(), 0, &alarm, nullptr);
}

void EventLoop::Wake() {
  const uint64_t one = 1;
  const ssize_t ignored = write(wake_.get(), &one, sizeof(one));
  (void)ignored;  // EAGAIN: it is awake already.
}

LoopThread::LoopThread(const Clock* clock) : loop_(clock), thread_([this] { loop_.Run(); }) {
  Call([] {});  // From here on OnLoop() knows the thread.
}

LoopThread::~LoopThread() {
  loop_.Stop();
  thread_.join();
}

void LoopThread::Call(EventLoop::Task task) {
  std::promise<void> done;
  loop_.Post([&task, &done] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace muster
