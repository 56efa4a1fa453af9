#ifndef MUSTER_AGENT_STATE_LOCK_H_
#define MUSTER_AGENT_STATE_LOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace muster {

// Holds the state directory for this process: two agents on one directory would start every gang
// twice. An flock, so that it ends with the process however that dies. Children do not inherit it.
class StateLock {
 public:
  // Does not wait. ALREADY_EXISTS names the process that holds it.
  static absl::StatusOr<StateLock> Take(const std::string& state_dir);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_STATE_LOCK_H_
