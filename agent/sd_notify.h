#ifndef MUSTER_AGENT_SD_NOTIFY_H_
#define MUSTER_AGENT_SD_NOTIFY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/unique_fd.h"

namespace muster {

// Tells systemd how the service is (sd_notify(3)). Written here because the protocol is one
// datagram and Debian ships libsystemd without a static archive: the library alone would add a
// third to the daemon's start. Without $NOTIFY_SOCKET every call does nothing.
class SdNotify {
 public:
  // Takes $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID out of the environment: children must
  // not speak for us. INVALID_ARGUMENT when they make no sense.
  static absl::StatusOr<SdNotify> FromEnvironment();

  // Lines such as "READY=1". Never blocks; an error is not told: systemd has its own time limits.
  void Send(absl::string_view state) const;
  // How often systemd wants "WATCHDOG=1"; zero: not at all.
  absl::Duration watchdog() const { return watchdog_; }

 private:
  std::string socket_;  // Path, or '@' and a name in the abstract space; empty: nobody listens.
  UniqueFd fd_;
  absl::Duration watchdog_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SD_NOTIFY_H_
