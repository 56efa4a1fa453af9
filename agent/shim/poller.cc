#include "agent/shim/poller.h"

#include <sys/epoll.h>

namespace muster {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void Poller::Add(int fd, uint32_t bits, Watch watch) { Control(EPOLL_CTL_ADD, fd, bits, watch); }

void Poller::Change(int fd, uint32_t bits, Watch watch) { Control(EPOLL_CTL_MOD, fd, bits, watch); }

void Poller::Remove(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Poller::Control(int operation, int fd, uint32_t bits, Watch watch) {
  epoll_event event = {};
  event.events = bits;
  event.data.u64 = uint64_t{static_cast<uint8_t>(watch.kind)} << 32 | watch.index;
  epoll_ctl(epoll_.get(), operation, fd, &event);
}

const std::vector<Poller::Event>& Poller::Wait(int64_t timeout_ns) {
  constexpr int kBatch = 64;
  constexpr int64_t kNsPerMs = 1'000'000;
  constexpr int64_t kMaxMs = 3'600'000;
  const int64_t up = (timeout_ns + kNsPerMs - 1) / kNsPerMs;
  const int timeout_ms = timeout_ns < 0 ? -1 : static_cast<int>(up < kMaxMs ? up : kMaxMs);
  epoll_event ready[kBatch];
  const int count = epoll_wait(epoll_.get(), ready, kBatch, timeout_ms);
  events_.clear();
  for (int i = 0; i < count; ++i) {
    Event event;
    event.watch.kind = static_cast<WatchKind>(ready[i].data.u64 >> 32);
    event.watch.index = static_cast<uint32_t>(ready[i].data.u64);
    event.bits = ready[i].events;
    events_.push_back(event);
  }
  return events_;
}

}  // namespace muster
