#ifndef MUSTER_AGENT_TASK_STATE_COUNTER_H_
#define MUSTER_AGENT_TASK_STATE_COUNTER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster {

// A number that a host must not forget, in a file of its own: the highest epoch seen, the count of
// agent starts. Both calls block.

// 0 when there is no file. DATA_LOSS: it is damaged, and must not be guessed.
absl::StatusOr<int64_t> ReadCounter(const std::string& path);
// Replaces the file; on disk when it returns OK, if `durable`. Counters only grow, and on a full
// disk the file is written over. DATA_LOSS: an fsync failed.
absl::Status WriteCounter(const std::string& path, int64_t value, bool durable);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_STATE_COUNTER_H_
