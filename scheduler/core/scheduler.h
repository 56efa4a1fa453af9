#ifndef MUSTER_SCHEDULER_CORE_SCHEDULER_H_
#define MUSTER_SCHEDULER_CORE_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "muster/v1/job_service.pb.h"
#include "muster/v1/node_service.pb.h"
#include "scheduler/core/agent_channel.h"
#include "scheduler/core/restart_policy.h"
#include "scheduler/core/quota.h"
#include "scheduler/store/state_store.h"

namespace muster {

// What an operator wants of a node.
struct NodeOrder {
  enum class Kind { kCordon, kUncordon, kDrain };
  Kind kind = Kind::kCordon;
  std::string node;           // Name or id.
  std::string reason;         // One line.
  bool now = false;           // As in DrainNodeRequest,
  bool confirm_dead = false;  // and so is this.
};

// The scheduler role: jobs in, gangs out. Composes the store, the queue, the planner, the node
// table and one state machine per job. Lives on the loop; every callback comes on the loop.
class Scheduler {
 public:
  struct Options {
    absl::Duration heartbeat_interval = absl::Seconds(2);
    absl::Duration suspect_after = absl::Seconds(3);
    absl::Duration lost_after = absl::Seconds(10);
    // See NodeWelcome. The lease must be several heartbeats long; zero: none is given, and nothing
    // that ran on a silent host starts elsewhere.
    absl::Duration node_lease = absl::Seconds(20);
    absl::Duration fence_grace = absl::Seconds(10);
    // As in NodeTable::Options.
    std::function<absl::Duration()> silent_from;
    absl::Duration reserve_ttl = absl::Seconds(30);
    absl::Duration keep_jobs = absl::Hours(24 * 30);  // Then a final job is removed.
    int max_queued_jobs = 10000;
    RestartLimits restart_limits;
    Quota quota;
  };
  // Makes the channel to the agent at `address` (NodeInfo.agent_address).
  using ChannelFactory = std::function<std::unique_ptr<AgentChannel>(const std::string& address)>;

  // Pointers must outlive the object.
  static std::unique_ptr<Scheduler> Make(const Options& options, EventLoop* loop, StateStore* store,
                                         ChannelFactory channels);
  virtual ~Scheduler() = default;

  // Loads all jobs from the store and raises the epoch. Call once, before anything else.
  virtual absl::Status Load() = 0;
  virtual int64_t epoch() const = 0;

  // These follow JobService. `owner` is who asks, as the rpc floor saw it.
  virtual void Submit(const v1::SubmitJobRequest& request, const std::string& owner,
                      std::function<void(const absl::StatusOr<v1::Job>&)> done) = 0;
  virtual void Cancel(const v1::CancelJobRequest& request,
                      std::function<void(const absl::StatusOr<v1::Job>&)> done) = 0;
  // `who` is for the log.
  virtual void Scale(const v1::ScaleJobRequest& request, const std::string& who,
                     std::function<void(const absl::StatusOr<v1::Job>&)> done) = 0;
  virtual absl::StatusOr<v1::Job> Get(const std::string& id_or_prefix) const = 0;
  virtual absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request) const = 0;
  // Calls `on_change` with the job now and after each durable change, until Unwatch().
  virtual absl::StatusOr<uint64_t> Watch(const std::string& id_or_prefix,
                                         std::function<void(const v1::Job&)> on_change) = 0;
  virtual void Unwatch(uint64_t watch) = 0;

  // These follow NodeService: one session per stream. ABORTED: a newer incarnation is connected.
  // `on_lost` is called when a newer stream replaces this one.
  virtual absl::StatusOr<v1::NodeWelcome> NodeConnected(const v1::NodeHello& hello,
                                                        uint64_t session,
                                                        std::function<void()> on_lost) = 0;
  virtual void NodeHeartbeat(uint64_t session) = 0;
  // `acked` is called when the report is durable.
  virtual void NodeReport(uint64_t session, const v1::GangReport& report,
                          std::function<void(const v1::GangReportAck&)> acked) = 0;
  virtual void NodeInfoChanged(uint64_t session, const v1::NodeInfo& info) = 0;
  virtual void NodeDisconnected(uint64_t session) = 0;
  virtual std::vector<v1::Node> Nodes() const = 0;
  // CordonNode, UncordonNode and DrainNode. `who` is for the log.
  virtual void OrderNode(const NodeOrder& order, const std::string& who,
                         std::function<void(const absl::StatusOr<v1::Node>&)> done) = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_SCHEDULER_H_
