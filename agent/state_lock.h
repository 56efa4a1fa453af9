#ifndef MUSTER_AGENT_STATE_LOCK_H_
#define MUSTER_AGENT_STATE_LOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/unique_fd.h"

namespace muster {

// Holds the state directory for this process: two agents on one directory would start every gang
// twice. An flock, so that it ends with the process however that dies. Children do not inherit it.
class StateLock {
 public:
  // ALREADY_EXISTS names the process that holds it: at once when that lives. Waits for `patience`
  // when it is dead: it was killed while it started an msshim, whose process has a copy of the lock
  // until it runs its program.
  static absl::StatusOr<StateLock> Take(const std::string& state_dir,
                                        absl::Duration patience = absl::Seconds(10));

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_STATE_LOCK_H_
