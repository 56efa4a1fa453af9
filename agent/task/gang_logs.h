#ifndef MUSTER_AGENT_TASK_GANG_LOGS_H_
#define MUSTER_AGENT_TASK_GANG_LOGS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/shim/shim_plan.h"
#include "agent/task/stream_log.h"

namespace muster {

// The output streams of one gang's ranks on this host, each made when somebody first asks for it.
// Indices are those of ShimPlan::ranks. Lives on the loop.
class GangLogs {
 public:
  using Subscribe = std::function<void(int index, bool is_stderr, bool on)>;

  GangLogs(const std::string& gang_dir, int ranks, Subscribe subscribe);

  // Says where the streams lie; gang_dir/plan does it otherwise.
  void SetPlan(const ShimPlan& plan);
  // UNAVAILABLE: the gang has not got as far as a plan.
  absl::StatusOr<OutputLog*> Find(int index, bool is_stderr);

  void OnGrew(int index, bool is_stderr, int64_t length);
  // All streams are final. `lengths` by index; empty: they are what the files show.
  void OnEnded(std::vector<std::pair<int64_t, int64_t>> lengths);
  // There is a new connection to subscribe at.
  void Resubscribe();

 private:
  struct Streams {
    StreamFiles::Where where[2];  // By is_stderr.
    std::unique_ptr<StreamLog> log[2];
  };

  absl::Status ReadPlan();
  int64_t FinalLength(int index, bool is_stderr) const;

  const std::string gang_dir_;
  const Subscribe subscribe_;
  std::vector<Streams> streams_;
  bool planned_ = false;
  bool ended_ = false;
  std::vector<std::pair<int64_t, int64_t>> lengths_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANG_LOGS_H_
