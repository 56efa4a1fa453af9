#ifndef MUSTER_AGENT_TASK_GANGS_H_
#define MUSTER_AGENT_TASK_GANGS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/device/ledger.h"
#include "agent/device/topology.h"
#include "agent/task/node_lease.h"
#include "agent/task/output_log.h"
#include "common/base/event_loop.h"
#include "muster/v1/agent_service.pb.h"
#include "muster/v1/task.pb.h"

namespace muster {

// All gangs of this host: reserved, running and ended. The engine behind AgentService and
// LogService, and behind `msctl run --local`. Owns one GangRunner per (job, attempt) and survives
// its own death: everything that must last is in `state_dir`, everything that runs belongs to
// msshim.
//
// Lives on the loop; every callback comes on the loop.
class Gangs {
 public:
  struct Options {
    std::string state_dir;  // Absolute; gangs live in state_dir/jobs/JOB/ATTEMPT.
    std::string shim_path;  // The msshim program.
    std::string node_name;
    // The environment of every rank, before anything else: PATH, HOME, LANG, …
    std::map<std::string, std::string> base_env;
    std::string cgroup_root;  // Empty: find one; "none": do without.
    absl::Duration keep_ended =
        absl::Hours(24 * 7);  // Then an acknowledged gang's files are removed.
    // The node has a lease with its scheduler. Off: what an earlier life of the agent knew of one
    // is forgotten.
    bool keeps_lease = false;
    // fsync the intent and the exits. Off only in the engine of `msctl run --local`, whose gangs
    // are not meant to outlive it.
    bool durable = true;
    // An fsync has failed: nothing is promised any more, and the process should end. May be null.
    std::function<void(const absl::Status&)> on_disk_broken;
  };
  using Done = std::function<void(const absl::Status&)>;
  using ReportSink = std::function<void(const v1::GangReport&)>;

  // All pointers must outlive this object.
  static std::unique_ptr<Gangs> Make(const Options& options, EventLoop* loop, Ledger* ledger,
                                     const Topology* topology);
  virtual ~Gangs() = default;  // Leaves the ranks running.

  // Takes back every gang that `state_dir` knows: connects to living shims, adopts the ranks of
  // dead ones, says UNKNOWN where an exit cannot be learned. Call once, before anything else.
  virtual void Recover(Done done) = 0;

  // These follow AgentService, word for word.
  virtual absl::StatusOr<v1::NodePlacement> Reserve(const v1::ReserveGangRequest& request) = 0;
  virtual void Start(const v1::StartGangRequest& request, Done done) = 0;
  virtual absl::Status Stop(const v1::StopGangRequest& request) = 0;
  virtual absl::Status Release(const v1::ReleaseGangRequest& request) = 0;
  virtual absl::Status RestartRank(const v1::RestartRankRequest& request) = 0;

  // The highest epoch that was seen; lower ones are refused. Kept on disk.
  virtual int64_t epoch() const = 0;
  virtual absl::Status ObserveEpoch(int64_t epoch) = 0;

  // Renews the lease. Every msshim is told, and keeps to it should this agent be dead by then; one
  // that has run out meanwhile fences before it is renewed.
  virtual void SetLease(const NodeLease& lease) = 0;
  // The last one, also of an earlier life of this agent; nullopt: the host needs none.
  virtual std::optional<NodeLease> lease() const = 0;
  // The lease has run out: stops every gang with on_partition: fence, drops all reservations, and
  // starts nothing until SetLease().
  virtual void Fence() = 0;

  // Why this host takes no new work, in one line; empty: it does. Gangs that were set aside at the
  // agent's start make it so, until the last of them has ended.
  virtual std::string degraded() const { return ""; }

  // Called with the whole report on every change of any gang.
  virtual void SetReportSink(ReportSink sink) = 0;
  // Every gang that is not yet acknowledged as finished.
  virtual std::vector<v1::GangReport> Reports() const = 0;
  // The scheduler has the report on disk.
  virtual void Acknowledge(const std::string& job_id, int attempt, int64_t sequence) = 0;

  // One stream of one rank; owned by this object, valid in this turn of the loop (its readers as
  // long as their owner likes). NOT_FOUND names what is unknown: the job, the attempt or the rank.
  virtual absl::StatusOr<OutputLog*> FindOutput(const std::string& job_id, int attempt,
                                                const std::string& role, int rank,
                                                bool is_stderr) = 0;
  // (role, rank) of every rank that the gang has on this host.
  virtual absl::StatusOr<std::vector<std::pair<std::string, int>>> RanksOf(
      const std::string& job_id, int attempt) = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANGS_H_
