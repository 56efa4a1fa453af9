#ifndef MUSTER_AGENT_TASK_GANG_RUNNER_H_
#define MUSTER_AGENT_TASK_GANG_RUNNER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/process/shim_client.h"
#include "agent/process/shim_spawn.h"
#include "agent/task/cgroup.h"
#include "agent/task/disk_thread.h"
#include "agent/task/gang_dir.h"
#include "agent/task/gang_logs.h"
#include "agent/task/gang_plan.h"
#include "agent/task/gang_remains.h"
#include "agent/task/node_lease.h"
#include "agent/task/rank_table.h"
#include "agent/task/recovery.h"
#include "agent/task/state_counter.h"
#include "common/base/backoff.h"
#include "common/base/event_loop.h"
#include "common/base/past_moment.h"
#include "muster/v1/agent_service.pb.h"
#include "muster/v1/task.pb.h"

namespace muster {

// Runs one gang on this host, from its intent to its last report: owns the connection to its
// msshim, the state of its ranks, its logs and its cgroup. When it goes away, the ranks run on.
//
// Lives on the loop, from StartGang (or recovery) until the gang's files are removed. Two files:
// gang_runner.cc (the ordinary life), gang_runner_recovery.cc (when a shim, the agent or the host
// has died).
class GangRunner : private ShimEvents {
 public:
  // What all gangs of the host share. Must outlive the runner.
  struct Host {
    EventLoop* loop = nullptr;
    DiskThread* disk = nullptr;
    const CgroupRoot* cgroups = nullptr;
    std::string shim_path;
    std::string node_name;
    std::string boot_id;
    bool durable = true;
    std::shared_ptr<CounterFile> epoch;  // For jobs of `disk`: no intent without its epoch.
    std::optional<NodeLease> lease;      // Of this host; changes.
    int64_t first_sequence = 0;  // Reports of this life of the agent are numbered from here.
  };
  struct Events {
    // The whole report, at most once per turn of the loop.
    std::function<void(const v1::GangReport&)> on_report;
    // Nothing of the gang runs any more; comes before the report that says so.
    std::function<void()> on_finished;
  };
  using Done = std::function<void(const absl::Status&)>;
  using PlanMaker = std::function<absl::StatusOr<HostGangPlan>()>;

  GangRunner(const Host* host, const GangDir& dir, const v1::StartGangRequest& request,
             Events events);
  ~GangRunner() override;

  // Writes the intent; `done` comes when it is durable, or could not be had (then nothing is left).
  // Then starts the shim. `plan` may be an error: the gang then ends with it as its report.
  void Start(const absl::StatusOr<HostGangPlan>& plan, Done done);
  // The same request came again: `done` gets the first answer.
  void StartAgain(Done done);
  // Start() has failed: the gang never was.
  bool refused() const { return phase_ == Phase::kRefused; }
  // Its intent is not on disk yet: nobody may hear of it.
  bool preparing() const { return phase_ == Phase::kPreparing && !on_record_; }

  // In place of Start(): takes up what an earlier life of the agent has left. `make_plan` is for a
  // gang that had got no further than its intent.
  void Recover(const FoundGang& found, const PlanMaker& make_plan);

  // SIGTERM, `grace`, SIGKILL of all that is left. Repeatable; no effect on an ended gang. Where no
  // shim can be had for it, the agent ends the processes itself, and their exits are UNKNOWN; where
  // the shim hangs too, and puts another one in its place.
  absl::Status Stop(absl::Duration grace, absl::string_view reason);
  // Tells the shim Host::lease, which has changed; nothing for a gang with on_partition: continue.
  void KeepLease();
  // That lease has run out: Stop(), and a report that says so. Nothing for such a gang, either.
  void Fence(absl::Duration grace);
  // The report's part of that.
  void NoteFence();
  // NOT_FOUND: no such rank here. FAILED_PRECONDITION: it still runs, or the gang has ended.
  // UNAVAILABLE: the shim is being replaced, try again.
  absl::Status RestartRank(const std::string& role, int rank, int restart);

  const v1::StartGangRequest& request() const { return request_; }
  const v1::GangReport& report() const { return report_; }
  bool finished() const { return report_.finished(); }
  int living() const { return ranks_.living(); }

  // The scheduler has report `sequence` on disk.
  void Acknowledge(int64_t sequence);
  // When the final report was acknowledged.
  std::optional<PastMoment> acked() const { return acked_; }
  // The disk says all that this object knows: it may go, and be recovered when somebody asks.
  bool settled() const { return settled_; }

  // NOT_FOUND: no such rank here. UNAVAILABLE: no output yet.
  absl::StatusOr<OutputLog*> FindOutput(const std::string& role, int rank, bool is_stderr);

  // Tries to remove what is left of an ended gang's cgroup; false while the shim is still in it.
  bool RemoveCgroup();

 private:
  enum class Phase {
    kNew,
    kPreparing,  // Intent and plan are on their way to the disk.
    kRefused,    // They did not get there.
    kRunning,    // There is a shim, or there will be one again.
    kEnded,
  };

  // ShimEvents.
  void OnStarted(int index, int restart, int pid, absl::Time when) override;
  void OnExit(const RankExit& exit) override;
  void OnGrew(int index, bool is_stderr, int64_t length) override;
  void OnFinished() override;
  void OnGone(const absl::Status& status) override;

  // Takes an exit, with what the rank itself left about it; false when it is known already.
  bool TakeExit(RankExit exit);

  // Start.
  void OnPrepared(const absl::Status& intent, const absl::Status& plan);
  absl::Status Spawn();
  void Use(std::unique_ptr<ShimClient> client);

  // Recovery, at the agent's start and after a shim's death.
  GangEvidence Weigh(const FoundGang& found) const;
  void Reconnect();
  absl::Status TryReconnect();
  void ReconnectLater(const absl::Status& why);
  // Has the shim stop the gang, and sees to it.
  void StopShim(absl::Duration grace);
  void EndRemains(absl::Duration grace);
  void OnRemainsGone();
  void KillShimUnlessItEnds();
  void Conclude();
  // Whether every rank has ended, but one failed and may start again: only the scheduler knows.
  bool AwaitsRestart() const;
  void EndLogs();
  void Lose();
  // Ends a gang of which nothing has run, and sees to it that nothing ever will. If something did
  // after all, it is taken up instead.
  void EndUnstarted(const std::string& why);
  // The same where a stop came first: how its ranks ended is then no failure of theirs.
  void EndStopped();
  void EndBeforeStart(const std::string& why, const v1::ExitResult& exit);
  bool CloseDoor();

  void Finish(const std::string& error);
  // Puts the acknowledged end on the disk, as often as it takes.
  void Settle();
  void RemoveCgroupSoon(absl::Duration delay);
  void MarkChanged();
  void Tell();
  // Posts `task`; it is dropped when this object is gone by then.
  void Post(std::function<void()> task);
  EventLoop::TimerId After(absl::Duration delay, std::function<void()> task);
  std::string Tag() const;

  const Host* const host_;
  const GangDir dir_;
  const v1::StartGangRequest request_;
  const Events events_;
  const GangCgroup cgroup_;
  const ShimCommand command_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  Phase phase_ = Phase::kNew;
  bool on_record_ = false;    // An earlier life of the agent has written the intent.
  std::vector<Done> starts_;  // Wait for the intent.
  absl::Status start_status_;
  std::optional<absl::Duration> stop_;  // Grace of a stop that was taken.
  bool idle_ =
      false;  // No rank and no shim is left; the scheduler restarts one, or stops the gang.
  std::unique_ptr<ShimClient> client_;
  std::unique_ptr<ShimClient> dead_;  // Its predecessor, which holds the ranks' descriptors.
  absl::Duration connected_;          // When client_ was made, on Clock::Boot().
  bool hurried_ = false;              // A shim that died was replaced at once, and soon died too.
  Backoff backoff_{Backoff::Options()};
  EventLoop::TimerId reconnect_ = 0;
  std::unique_ptr<GangRemains> remains_;  // After a stop that found no shim, or one that hangs.
  bool ended_by_agent_ = false;           // remains_ were there.

  RankStates ranks_;
  GangLogs logs_;
  v1::GangReport report_;
  bool changed_ = false;  // A report is about to be made.
  std::optional<PastMoment> acked_;
  bool settled_ = false;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANG_RUNNER_H_
