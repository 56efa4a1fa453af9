#ifndef MUSTER_SCHEDULER_CORE_SCHEDULER_IMPL_H_
#define MUSTER_SCHEDULER_CORE_SCHEDULER_IMPL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/backoff.h"
#include "scheduler/core/gang_tracker.h"
#include "scheduler/core/job_machine.h"
#include "scheduler/core/job_queue.h"
#include "scheduler/core/job_table.h"
#include "scheduler/core/node_table.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// Composes the rooms of this floor; see Scheduler. Five files: scheduler.cc (the interface),
// scheduler_jobs.cc (a job's way to its start and its end), scheduler_attempts.cc (what becomes of
// an attempt), scheduler_nodes.cc (what comes from agents), scheduler_hosts.cc (hosts that are
// lost, or to be emptied).
class SchedulerImpl : public Scheduler {
 public:
  SchedulerImpl(const Options& options, EventLoop* loop, StateStore* store,
                ChannelFactory channels);
  ~SchedulerImpl() override;

  absl::Status Load() override;
  int64_t epoch() const override { return epoch_; }
  void Submit(const v1::SubmitJobRequest& request, const std::string& owner,
              std::function<void(const absl::StatusOr<v1::Job>&)> done) override;
  void Cancel(const v1::CancelJobRequest& request,
              std::function<void(const absl::StatusOr<v1::Job>&)> done) override;
  absl::StatusOr<v1::Job> Get(const std::string& id_or_prefix) const override;
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request) const override;
  absl::StatusOr<uint64_t> Watch(const std::string& id_or_prefix,
                                 std::function<void(const v1::Job&)> on_change) override;
  void Unwatch(uint64_t watch) override;
  absl::StatusOr<v1::NodeWelcome> NodeConnected(const v1::NodeHello& hello, uint64_t session,
                                                std::function<void()> on_lost) override;
  void NodeHeartbeat(uint64_t session) override;
  void NodeReport(uint64_t session, const v1::GangReport& report,
                  std::function<void(const v1::GangReportAck&)> acked) override;
  void NodeInfoChanged(uint64_t session, const v1::NodeInfo& info) override;
  void NodeDisconnected(uint64_t session) override;
  std::vector<v1::Node> Nodes() const override;
  void OrderNode(const NodeOrder& order, const std::string& who,
                 std::function<void(const absl::StatusOr<v1::Node>&)> done) override;

 private:
  // What a job needs while it is not final, beside its record.
  struct Run {
    std::unique_ptr<GangTracker> gang;  // Of the current attempt, RESERVING to its end.
    Backoff refusals{{absl::Milliseconds(100), absl::Seconds(5)}};
    EventLoop::TimerId queue_timer = 0;
    EventLoop::TimerId attempt_timer = 0;  // timeouts.start, then timeouts.run.
    EventLoop::TimerId leftover_timer = 0;
    // restart.scope: rank. Failed ranks that will start again, with the number of that restart;
    // those that will not; and all failures so far.
    std::map<std::pair<std::string, int>, int> restarting;
    std::set<std::pair<std::string, int>> exhausted;
    std::map<std::pair<std::string, int>, std::vector<absl::Time>> rank_failures;
    std::vector<EventLoop::TimerId> rank_timers;
  };
  using SubmitDone = std::function<void(const absl::StatusOr<v1::Job>&)>;

  // --- scheduler.cc
  bool AnswerRepeatedSubmit(const v1::SubmitJobRequest& request, const v1::JobSpec& spec,
                            const SubmitDone& done);
  absl::Status CheckSubmit(const v1::SubmitJobRequest& request, const v1::JobSpec& spec) const;
  void Sweep();  // Retention.

  // --- scheduler_jobs.cc
  void ResumeJob(JobEntry* entry);
  void Enqueue(JobEntry* entry, absl::Duration delay);
  void ArmQueueTimer(JobEntry* entry);
  void SchedulePass();
  void Pass();
  ClusterView ViewNow() const;
  void Place(JobEntry* entry, const GangPlan& plan);
  void MakeGang(JobEntry* entry);
  void OnReserved(JobEntry* entry, const v1::Placement& placement);
  void OnRefused(JobEntry* entry, const absl::Status& status);
  void OnNeverStarted(JobEntry* entry, int node, const absl::Status& status);
  void ArmAttemptTimer(JobEntry* entry);
  void OnAttemptTimer(JobEntry* entry);
  void Finish(JobEntry* entry, JobEvent event, const std::string& reason, int exit_code,
              std::function<void()> durable = nullptr);
  void DropGang(JobEntry* entry);
  bool Step(JobEntry* entry, JobEvent event, const std::string& reason);
  JobEntry* FindLive(const std::string& id) const;

  // --- scheduler_attempts.cc
  // Looks at the current attempt and does what is due.
  void Evaluate(JobEntry* entry);
  bool RestartFailedRanks(JobEntry* entry);
  void RestartRankLater(JobEntry* entry, const v1::RankStatus& rank, absl::Duration delay);
  void BeginStop(JobEntry* entry, StopCause cause, const std::string& reason,
                 std::function<void()> durable = nullptr);
  void OrderStop(const std::string& id);
  void EndAttempt(JobEntry* entry);
  void FailAttempt(JobEntry* entry);
  std::optional<absl::Duration> DelayOfNextAttempt(const v1::Job& job,
                                                   const v1::FirstCause& cause) const;

  // --- scheduler_nodes.cc
  void HeardFrom(uint64_t session);
  void TakeReport(const std::string& node_id, const v1::GangReport& report,
                  const std::function<void()>& durable);
  void StopStranger(const std::string& node_id, const v1::GangReport& report);
  void MeetGangs(const std::string& node_id, const v1::NodeHello& hello,
                 const NodeTable::Connected& connected);
  void LoseGang(JobEntry* entry, int node, bool rebooted);
  void SendReleases(const std::string& node_id);
  void OnNodeLost(const std::string& node_id);
  // What an agent says of an attempt that is over: exits that nobody knew.
  bool SettleExits(JobEntry* entry, const std::string& node_id, const v1::GangReport& report);
  // Ends the ranks on lost hosts when no further attempt depends on how they ended.
  void GiveUpLostNodes(JobEntry* entry);
  void ArmSilenceTimer();

  // --- scheduler_hosts.cc
  void OnNodeFenced(const std::string& node_id);
  // Whether nothing of the job can run on host `node` of its gang any more, silent as that is.
  bool HostIsOver(const JobEntry& entry, int node) const;
  void LoseHost(JobEntry* entry, int node);
  // Makes a lost host the attempt's first cause, unless a rank had failed before the host fell
  // silent. Returns whether it is.
  bool BlameHost(JobEntry* entry, int node, const std::string& how);
  // The same, and stops what is left of the gang.
  void StopForHost(JobEntry* entry, int node, const std::string& how);
  std::string HowLost(const v1::NodePlacement& node) const;
  absl::Status CheckOrder(const NodeOrder& order, const std::string& node_id) const;
  void MoveJobsAway(const std::string& node_id, const std::string& reason);
  absl::StatusOr<v1::Node> FindShownNode(const std::string& node_id) const;
  // Jobs that are not final; a copy, for walks on which some may become so.
  std::vector<std::string> LiveIds() const;
  bool AllNodesConnected(const JobEntry& entry) const;

  absl::Time Now() const { return loop_->clock()->Wall(); }

  const Options options_;
  EventLoop* const loop_;
  StateStore* const store_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  int64_t epoch_ = 0;
  JobTable jobs_;
  JobQueue queue_;
  NodeTable nodes_;
  std::map<std::string, std::unique_ptr<Run>> runs_;     // Of jobs that are not final.
  std::vector<std::unique_ptr<GangTracker>> abandoned_;  // Until the end of this turn.
  std::map<std::string, RequestRecord> requests_;
  // By node id: reservations of a scheduler that died, to be released before anything else.
  std::map<std::string, std::vector<v1::GangRef>> releases_;
  bool pass_posted_ = false;
  EventLoop::TimerId wake_timer_ = 0;
  EventLoop::TimerId silence_timer_ = 0;
  EventLoop::TimerId sweep_timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_SCHEDULER_IMPL_H_
