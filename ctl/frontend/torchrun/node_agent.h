#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_NODE_AGENT_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_NODE_AGENT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/torchrun/leader_link.h"
#include "ctl/frontend/torchrun/messages.h"
#include "ctl/frontend/torchrun/wait_notice.h"
#include "ctl/frontend/torchrun/worker_group.h"

namespace muster {

// One node of a job: joins, runs its workers as the leader says, reports how they end, and ends
// itself with the exit code of the job. On the loop's thread.
class NodeAgent {
 public:
  struct Options {
    NodeFacts facts;
    bool leads = false;  // The job cannot go on without this launcher.
    std::string title;   // For the table of failures.
    // Where whoever started this launcher looks for the error file of a worker; may be empty.
    std::string parent_error_file;
    // From SIGTERM to SIGKILL, as the original.
    absl::Duration stop_grace = absl::Seconds(30);
  };
  using Say = std::function<void(const std::string& line)>;

  // Pointers must outlive this object. `say` takes lines for the user, without newline. `on_end`
  // comes once, from the loop, when no process is left.
  NodeAgent(const Options& options, EventLoop* loop, WorkerGroup* workers, LeaderLink* link,
            Say say, std::function<void(int exit_code)> on_end);

  void Start();
  // The user's. The workers get the same one; a second signal does not wait for them.
  void OnSignal(int signal);
  bool signalled() const { return signalled_; }
  // Of the workers; for their group's callbacks.
  void OnWorkerFailed(const WorkerFailure& failure);
  void OnWorkersSucceeded();

 private:
  void OnMessage(const LeaderMessage& message);
  void OnWorld(const LeaderMessage& message);
  void StopForRestart(const LeaderMessage& message);
  void OnJobFailed(const LeaderMessage& message);
  void Tell(NodeMessage::Kind kind, const std::string& text = "", bool fatal = false);
  // Stops what runs, says goodbye to the leader, and ends. No message of the leader counts then.
  void End(int exit_code, int signal, absl::Duration grace);
  void EndedOne();
  void PassErrorFileOn() const;

  const Options options_;
  EventLoop* const loop_;
  WorkerGroup* const workers_;
  LeaderLink* const link_;
  const Say say_;
  const std::function<void(int)> on_end_;
  WaitNotice wait_;
  int round_ = 0;
  bool stopping_ = false;  // For a restart.
  bool ending_ = false;
  int left_to_end_ = 0;  // Workers, leader.
  int exit_code_ = 0;
  bool signalled_ = false;
  std::optional<WorkerFailure> root_;  // Why the job failed.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_NODE_AGENT_H_
