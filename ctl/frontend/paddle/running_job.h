#ifndef MUSTER_CTL_FRONTEND_PADDLE_RUNNING_JOB_H_
#define MUSTER_CTL_FRONTEND_PADDLE_RUNNING_JOB_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/paddle/launch_log.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/pod.h"
#include "ctl/frontend/paddle/pod_runner.h"
#include "ctl/frontend/paddle/port_cursor.h"

namespace muster {

// What a running job stands on; all of it outlives the job.
struct PaddleJobParts {
  EventLoop* loop;
  LaunchLog* log;
  PodRunner* runner;
  PortCursor* ports;
  PodSettings* settings;
  std::function<void(absl::string_view)> write_stdout;
  // Writes the nodes of a generation into the job's log file.
  std::function<void(const std::vector<PaddleNode>& nodes)> note_nodes;
  // Ends the launcher with this exit code, once nothing of the job is left. Comes once.
  std::function<void(int exit_code)> finish;
};

// A job from its start to its end on this host. On the loop's thread.
class RunningPaddleJob {
 public:
  virtual ~RunningPaddleJob() = default;

  virtual void Start() = 0;
  // The launcher was told to end: tells the other nodes, then calls `done`. The caller stops the
  // pod and ends the launcher; `finish` does not come any more.
  virtual void Leave(int exit_code, const std::string& what, std::function<void()> done) = 0;
};

// How long processes get to end by themselves: after a failure, and on a signal.
inline constexpr absl::Duration kPaddleFailureGrace = absl::Seconds(3);
inline constexpr absl::Duration kPaddleSignalGrace = absl::Seconds(30);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_RUNNING_JOB_H_
