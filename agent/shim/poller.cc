#include "agent/shim/poller.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace muster {
namespace {

constexpr uint64_t kAlarm = UINT64_MAX;
// epoll does not count while the host sleeps. For what is shorter that makes no difference.
constexpr int64_t kNeedsAlarmNs = 100'000'000;

}  // namespace

Poller::Poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      alarm_(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kAlarm;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, alarm_.get(), &event);
}

void Poller::Add(int fd, uint32_t bits, Watch watch) { Control(EPOLL_CTL_ADD, fd, bits, watch); }

void Poller::Change(int fd, uint32_t bits, Watch watch) { Control(EPOLL_CTL_MOD, fd, bits, watch); }

void Poller::Remove(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Poller::Control(int operation, int fd, uint32_t bits, Watch watch) {
  epoll_event event = {};
  event.events = bits;
  event.data.u64 = uint64_t{static_cast<uint8_t>(watch.kind)} << 32 | watch.index;
  epoll_ctl(epoll_.get(), operation, fd, &event);
}

void Poller::SetAlarm(int64_t timeout_ns) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  itimerspec alarm = {};
  alarm.it_value.tv_sec = timeout_ns / kNsPerSecond;
  alarm.it_value.tv_nsec = timeout_ns % kNsPerSecond;
  timerfd_settime(alarm_.get(), 0, &alarm, nullptr);
}

const std::vector<Poller::Event>& Poller::Wait(int64_t timeout_ns) {
  constexpr int kBatch = 64;
  constexpr int64_t kNsPerMs = 1'000'000;
  constexpr int64_t kMaxMs = 3'600'000;
  const int64_t up = (timeout_ns + kNsPerMs - 1) / kNsPerMs;
  const int timeout_ms = timeout_ns < 0 ? -1 : static_cast<int>(up < kMaxMs ? up : kMaxMs);
  if (timeout_ns >= kNeedsAlarmNs) SetAlarm(timeout_ns);
  epoll_event ready[kBatch];
  const int count = epoll_wait(epoll_.get(), ready, kBatch, timeout_ms);
  events_.clear();
  for (int i = 0; i < count; ++i) {
    if (ready[i].data.u64 == kAlarm) {
      uint64_t times;
      const ssize_t ignored = read(alarm_.get(), &times, sizeof(times));
      (void)ignored;  // Its end is all that counts.
      continue;
    }
    Event event;
    event.watch.kind = static_cast<WatchKind>(ready[i].data.u64 >> 32);
    event.watch.index = static_cast<uint32_t>(ready[i].data.u64);
    event.bits = ready[i].events;
    events_.push_back(event);
  }
  return events_;
}

}  // namespace muster
