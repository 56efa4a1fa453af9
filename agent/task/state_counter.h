#ifndef MUSTER_AGENT_TASK_STATE_COUNTER_H_
#define MUSTER_AGENT_TASK_STATE_COUNTER_H_

#include <cstdint>
#include <string>
#include <utility>

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

// A counter that many jobs of a disk thread want on disk. Only for that thread.
class CounterFile {
 public:
  CounterFile(std::string path, bool durable) : path_(std::move(path)), durable_(durable) {}

  // `value`, or a higher one, is on disk when it returns OK. What failed is tried by the next call.
  absl::Status Save(int64_t value);

 private:
  const std::string path_;
  const bool durable_;
  int64_t saved_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_STATE_COUNTER_H_
