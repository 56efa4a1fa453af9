#ifndef MUSTER_AGENT_SHIM_POLLER_H_
#define MUSTER_AGENT_SHIM_POLLER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/unique_fd.h"

namespace muster {

// What a watched descriptor belongs to.
enum class WatchKind : uint8_t { kListener, kAgent, kSignals, kCgroup, kPidfd, kOut, kErr };

struct Watch {
  WatchKind kind = WatchKind::kListener;
  uint32_t index = 0;  // The rank's, where there is one.
};

// epoll, with names instead of pointers: an event of a descriptor that was closed in the same round
// finds no owner and is harmless. Single-threaded.
class Poller {
 public:
  struct Event {
    Watch watch;
    uint32_t bits = 0;
  };

  Poller();
  // `bits` as for epoll_ctl. A descriptor is removed before it is closed: a duplicate that the
  // agent holds would keep it alive in here.
  void Add(int fd, uint32_t bits, Watch watch);
  void Change(int fd, uint32_t bits, Watch watch);
  void Remove(int fd);
  // Waits at most `timeout_ns` (negative: for ever), on CLOCK_BOOTTIME.
  const std::vector<Event>& Wait(int64_t timeout_ns);

 private:
  void Control(int operation, int fd, uint32_t bits, Watch watch);
  void SetAlarm(int64_t timeout_ns);

  UniqueFd epoll_;
  UniqueFd alarm_;
  std::vector<Event> events_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_POLLER_H_
