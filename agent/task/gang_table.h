#ifndef MUSTER_AGENT_TASK_GANG_TABLE_H_
#define MUSTER_AGENT_TASK_GANG_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/task/cgroup.h"
#include "agent/task/disk_thread.h"
#include "agent/task/gang_dir.h"
#include "agent/task/gang_plan.h"
#include "agent/task/gang_runner.h"
#include "agent/task/gangs.h"
#include "agent/task/recovery.h"
#include "agent/task/set_aside.h"
#include "common/base/fs.h"
#include "common/base/past_moment.h"

namespace muster {

// See Gangs. Three files: gangs.cc (what it is asked and told), gang_table.cc (the gangs it knows,
// where they come from at the agent's start, and where they go), gang_table_lease.cc (the fence).
class GangTable : public Gangs {
 public:
  GangTable(const Options& options, EventLoop* loop, Ledger* ledger, const Topology* topology);
  ~GangTable() override;

  void Recover(Done done) override;
  absl::StatusOr<v1::NodePlacement> Reserve(const v1::ReserveGangRequest& request) override;
  void Start(const v1::StartGangRequest& request, Done done) override;
  absl::Status Stop(const v1::StopGangRequest& request) override;
  absl::Status Release(const v1::ReleaseGangRequest& request) override;
  absl::Status RestartRank(const v1::RestartRankRequest& request) override;
  int64_t epoch() const override { return epoch_; }
  absl::Status ObserveEpoch(int64_t epoch) override;
  void SetLease(const NodeLease& lease) override;
  std::optional<NodeLease> lease() const override { return lease_; }
  void Fence() override;
  std::string degraded() const override;
  void SetReportSink(ReportSink sink) override { sink_ = std::move(sink); }
  std::vector<v1::GangReport> Reports() const override;
  void Acknowledge(const std::string& job_id, int attempt, int64_t sequence) override;
  absl::StatusOr<OutputLog*> FindOutput(const std::string& job_id, int attempt,
                                        const std::string& role, int rank, bool is_stderr) override;
  absl::StatusOr<std::vector<std::pair<std::string, int>>> RanksOf(const std::string& job_id,
                                                                   int attempt) override;

 private:
  using Key = Ledger::Holder;
  static constexpr absl::Duration kDefaultGrace = absl::Seconds(10);  // Of a job that is not known.

  // An acknowledged gang that is on disk alone.
  struct Archived {
    PastMoment acked;
    absl::Duration keep;  // From then on, its files.
  };

  // What the disk says at the agent's start.
  struct Found {
    int64_t epoch = 0;
    std::optional<NodeLease> lease;
    int64_t starts = 0;  // Of the agent on this state directory, this one included.
    FoundGangs on_disk;
  };

  static std::string Label(const Key& gang);
  static absl::Duration ToDuration(const google::protobuf::Duration& value);
  static std::vector<v1::DeviceId> DevicesOf(const v1::NodePlacement& here);

  // Whether the speaker may command the gang at all: ABORTED for a lower epoch and, with
  // `current_only`, for an attempt older than one that was started here.
  absl::Status Admit(const v1::GangRef& gang, bool current_only);
  // The gang, or nullptr. Fetches it from the archive.
  GangRunner* Find(const Key& key);
  absl::Status StopUnknown(const Key& key);
  // As Find, with an error that names what is unknown.
  absl::StatusOr<GangRunner*> Get(const std::string& job_id, int attempt);
  // The latest attempt of the job that was started here, or -1.
  int LatestAttempt(const std::string& job_id) const;
  // Another attempt of the same job that still has processes here, or nullptr.
  const GangRunner* LivingSibling(const Key& key) const;
  GangRunner* Add(const GangDir& dir, const v1::StartGangRequest& request);
  absl::StatusOr<HostGangPlan> MakePlan(const GangDir& dir,
                                        const v1::StartGangRequest& request) const;
  absl::Status TakeUp(Found found);
  // Leaves the gang alone, see SetAside.
  void PutAside(const GangDir& dir, std::optional<bool> keeps_fence);
  // That, of a gang whose record makes no sense: without an msshim, now or later, it is ended.
  void PutAsideUnread(const GangDir& dir);
  bool LeaseHasRunOut() const;
  void SaveLease();
  // Keeps nothing in memory of gangs that are over but their name, and removes the files of those
  // that were kept for long enough; none in the first hour after the agent's start, when the time
  // of day, by which it knows the age of what it has found, may not have been set.
  void Sweep();
  void SweepSoon();
  void Post(std::function<void()> task);
  std::string LeasePath() const { return JoinPath(options_.state_dir, "lease"); }
  std::string EpochPath() const { return JoinPath(options_.state_dir, "epoch"); }

  const Options options_;
  EventLoop* const loop_;
  Ledger* const ledger_;
  const Topology* const topology_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  DiskThread disk_;
  absl::StatusOr<CgroupRoot> cgroups_;
  GangRunner::Host host_;
  bool recovered_ = false;
  int64_t epoch_ = 0;
  std::optional<NodeLease> lease_;
  bool fenced_ = false;  // Since the lease ran out.
  bool saving_lease_ = false;
  bool lease_changed_ = false;  // While it was being saved.
  ReportSink sink_;
  std::map<Key, std::unique_ptr<GangRunner>> gangs_;
  std::map<Key, std::unique_ptr<SetAside>> aside_;
  std::map<Key, Archived> archive_;
  absl::Duration removes_from_ = absl::InfiniteDuration();  // On Clock::Boot().
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANG_TABLE_H_
