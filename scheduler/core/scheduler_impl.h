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
#include "common/base/past_moment.h"
#include "scheduler/core/elastic.h"
#include "scheduler/core/gang_tracker.h"
#include "scheduler/core/job_machine.h"
#include "scheduler/core/job_queue.h"
#include "scheduler/core/job_table.h"
#include "scheduler/core/node_table.h"
#include "scheduler/core/restart_policy.h"
#include "scheduler/core/running_gang.h"
#include "scheduler/core/scheduler.h"

namespace muster {

// How a host of a gang was lost: it is not heard, is back after a reboot, or is back after it has
// stopped the gang itself.
enum class HostLoss { kSilent, kRebooted, kFenced };

// Composes the rooms of this floor; see Scheduler. Eight files: scheduler.cc (the interface),
// scheduler_queue.cc (the jobs that wait), scheduler_jobs.cc (a job's way to its start and its
// end), scheduler_attempts.cc (what becomes of an attempt), scheduler_restarts.cc (what follows one
// that failed), scheduler_nodes.cc (what comes from agents), scheduler_hosts.cc (hosts that are
// lost, or to be emptied), scheduler_elastic.cc (gangs whose number of hosts may change).
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
  void Scale(const v1::ScaleJobRequest& request, const std::string& who,
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
  // When something began that has a limit of time.
  struct Since {
    PastMoment moment;
    bool on_record = false;  // It was before this scheduler.
  };
  // What a job needs while it is not final, beside its record.
  struct Run {
    std::unique_ptr<GangTracker> gang;  // Of the current attempt, RESERVING to its end.
    Backoff refusals{{absl::Milliseconds(100), absl::Seconds(5)}};
    EventLoop::TimerId queue_timer = 0;
    EventLoop::TimerId attempt_timer = 0;  // timeouts.start, then timeouts.run.
    EventLoop::TimerId leftover_timer = 0;
    EventLoop::TimerId stop_timer = 0;
    // restart.scope: rank. Failed ranks that will start again, with the number of that restart; and
    // those that will not.
    std::map<std::pair<std::string, int>, int> restarting;
    std::set<std::pair<std::string, int>> exhausted;
    std::map<std::pair<std::string, int>, EventLoop::TimerId> rank_timers;
    // On Clock::Boot(): when a pass of the queue first saw it STOPPING.
    std::optional<absl::Duration> stop_seen;
    std::optional<Since> submitted;
    std::optional<Since> began;  // The current attempt.
    StartWait start_wait;
    GrowthWait growth;
    absl::Duration shown_wait = absl::ZeroDuration();  // Until when the reason says that it waits,
    absl::Time shown_wait_wall;                        // and by the wall clock.
    struct Refuser {
      int times = 0;         // In a row.
      absl::Duration until;  // Then it is forgotten.
    };
    std::map<std::string, Refuser> refusers;  // By node id.
  };
  // A request id that has made a job.
  struct KnownRequest {
    RequestRecord record;
    PastMoment made;
  };
  using SubmitDone = std::function<void(const absl::StatusOr<v1::Job>&)>;

  // --- scheduler.cc
  bool AnswerRepeatedSubmit(const v1::SubmitJobRequest& request, const v1::JobSpec& spec,
                            const SubmitDone& done);
  absl::Status CheckSubmit(const v1::SubmitJobRequest& request, const v1::JobSpec& spec,
                           const std::string& owner) const;
  // Whether what `cluster` lacks is not there: not while nodes may be on their way to this
  // scheduler.
  bool KnowsCluster(const ClusterView& cluster) const;
  // Retention: first an hour after Load(), when the time of day, by which the age of what was
  // loaded is known, has been set.
  void Sweep();
  void SweepRequests();
  void SweepNodes();

  // --- scheduler_jobs.cc
  void ResumeJob(JobEntry* entry);
  void Place(JobEntry* entry, const GangPlan& plan, bool has_passed);
  void MakeGang(JobEntry* entry);
  void OnReserved(JobEntry* entry, const v1::Placement& placement);
  void OnRefused(JobEntry* entry, const absl::Status& status);
  void OnNeverStarted(JobEntry* entry, int node, const absl::Status& status);
  // How much of `limit` is left. What is on record is aged by the time of day, so not before that
  // may be believed to be set: until then the time to ask again.
  static Since OnRecord(const google::protobuf::Timestamp& time);
  absl::Duration LeftOf(absl::Duration limit, Since* since) const;
  void ArmAttemptTimer(JobEntry* entry);
  void OnAttemptTimer(JobEntry* entry);
  void Finish(JobEntry* entry, JobEvent event, const std::string& reason, int exit_code,
              std::function<void()> durable = nullptr);
  void DropGang(JobEntry* entry);
  bool Step(JobEntry* entry, JobEvent event, const std::string& reason);
  JobEntry* FindLive(const std::string& id) const;

  // --- scheduler_queue.cc
  void Enqueue(JobEntry* entry, absl::Duration delay);
  void ArmQueueTimer(JobEntry* entry);
  void SchedulePass();
  void Pass();
  void ShowWait(JobEntry* entry, const JobQueue::Decision& decision);
  // Stops a gang for another job; it starts again when there is room.
  void Preempt(const std::string& victim, const std::string& job_id);
  void ArmWakeTimer(const std::vector<RunningGang>& gangs, absl::Duration now);
  std::vector<RunningGang> RunningGangs(absl::Duration now);
  ClusterView ViewNow() const;
  // Of a submit: whether its owner may have one more, and could ever have this one.
  absl::Status CheckQuota(const v1::JobSpec& spec, const std::string& owner) const;
  int CountInserting(const std::string& owner) const;
  // The most hosts that the quota of its owner leaves to a running gang; 0: it has too many.
  int HostsWithinQuota(const JobEntry& entry) const;

  // --- scheduler_attempts.cc
  // Looks at the current attempt and does what is due.
  void Evaluate(JobEntry* entry);
  void BeginStop(JobEntry* entry, StopCause cause, const std::string& reason,
                 std::function<void()> durable = nullptr);
  void OrderStop(const std::string& id, int attempt);
  void OrderStopOfFullDisk(const std::string& id, int attempt);
  void EndAttempt(JobEntry* entry);

  // --- scheduler_restarts.cc
  void FailAttempt(JobEntry* entry);
  // Puts cause and class of its end into an attempt of the record's job.
  void NoteFault(const JobRecord& record, const v1::FirstCause& cause, v1::Attempt* attempt) const;
  // Whether another attempt follows the current one, as things stand.
  bool AnotherMayFollow(const JobEntry& entry) const;
  // Of a job whose current attempt has ended.
  RestartDecision DecideNext(const v1::Job& job) const;
  // Whether a device of the rank is unhealthy, as far as is known.
  bool HasIllDevice(const v1::Attempt& attempt, const std::string& role, int rank) const;
  // Hosts that the job's next attempt is to do without where it can.
  std::set<std::string> HostsToAvoid(const JobEntry& entry) const;
  bool RestartFailedRanks(JobEntry* entry);
  RestartDecision DecideForFailedRank(JobEntry* entry, const v1::RankStatus& rank);
  void RestartRankLater(JobEntry* entry, const v1::RankStatus& rank, absl::Duration delay);

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
  // What an agent says of a part that is over: exits that nobody knew.
  bool SettleExits(JobEntry* entry, const std::string& node_id, const v1::GangReport& report);
  void KeepVerdict(JobEntry* entry);
  // Ends the ranks on lost hosts when no further attempt depends on how they ended.
  void GiveUpLostNodes(JobEntry* entry);
  void ArmSilenceTimer();

  // --- scheduler_hosts.cc
  void OnNodeFenced(const std::string& node_id);
  // Whether nothing of the job can run on host `node` of its gang any more, silent as that is.
  bool HostIsOver(const JobEntry& entry, int node) const;
  void LoseHost(JobEntry* entry, int node);
  // Whether it fell silent before any rank failed.
  bool IsHostToBlame(const JobEntry& entry, int node) const;
  // The first host of the gang to be lost, where its loss is what ends the gang; -1 for none.
  int FindLostHost(const JobEntry& entry) const;
  // Makes a lost host the attempt's first cause, if it is to blame. Returns whether it is.
  bool BlameHost(JobEntry* entry, int node, HostLoss loss);
  // The same, and stops what is left of the gang.
  void StopForHost(JobEntry* entry, int node, HostLoss loss);
  std::string HowLost(const v1::NodePlacement& node) const;
  // Names the host, if it is to blame, and what was seen of the loss.
  v1::FirstCause CauseOf(HostLoss loss, const v1::NodePlacement& node) const;
  absl::Status CheckOrder(const NodeOrder& order, const std::string& node_id) const;
  void MoveJobsAway(const std::string& node_id, const std::string& reason);
  absl::StatusOr<v1::Node> FindShownNode(const std::string& node_id) const;
  // Jobs that are not final; a copy, for walks on which some may become so.
  std::vector<std::string> LiveIds() const;
  // Of a job with a gang: whether all hosts are there that are to say something of it yet.
  bool AllNodesConnected(const JobEntry& entry) const;

  // --- scheduler_elastic.cc
  bool AnswerRepeatedScale(JobEntry* entry, const v1::ScaleJobRequest& request,
                           const SubmitDone& done);
  absl::Status CheckScale(const JobEntry& entry, const v1::ScaleJobRequest& request) const;
  void ChangeRange(JobEntry* entry, const v1::ScaleJobRequest& request);
  // The job's attempt has ended and another follows.
  void BeginStartWait(JobEntry* entry);
  // The same under a new scheduler: goes on with what the record says of the wait.
  void ResumeStartWait(JobEntry* entry);
  void NoteStartWait(JobEntry* entry, bool waits);
  std::string DescribeStartWait(JobEntry* entry, const JobQueue::Decision& decision);
  // Hosts did not hold their part of what was to be reserved; `mute`: they never answered.
  void NoteRefusers(JobEntry* entry, bool mute);
  std::set<std::string> HostsThatRefuse(const Run& run) const;
  // Stops the gangs that are to go on with another number of hosts, as of `now`: one clock reading
  // for a whole pass, for what is due now must not lie a moment behind it. Returns when the next
  // one is due.
  std::optional<absl::Duration> ResizeGangs(absl::Duration now);
  std::optional<absl::Duration> ResizeTimeOf(JobEntry* entry, absl::Duration now);
  int PossibleHosts(const JobEntry& entry) const;

  static absl::Status CheckSpec(const v1::JobSpec& spec);
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
  std::map<std::string, KnownRequest> requests_;
  // By node id: reservations of a scheduler that died, to be released before anything else.
  std::map<std::string, std::vector<v1::GangRef>> releases_;
  bool pass_posted_ = false;
  std::map<std::string, int> inserting_;  // By owner: submits that are not durable yet.
  // On Clock::Boot(): until then nodes may be on their way that a scheduler before this one had.
  absl::Duration settled_at_ = absl::ZeroDuration();
  absl::Duration loaded_at_ = absl::ZeroDuration();  // On Clock::Boot().
  // On Clock::Boot(): by then nodes that another scheduler had are here, or are lost.
  absl::Duration cluster_known_at_ = absl::ZeroDuration();
  // On Clock::Boot(): from then on the time of day is believed.
  absl::Duration clock_set_at_ = absl::ZeroDuration();
  EventLoop::TimerId wake_timer_ = 0;
  EventLoop::TimerId silence_timer_ = 0;
  EventLoop::TimerId sweep_timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_SCHEDULER_IMPL_H_
