#ifndef MUSTER_AGENT_SCHEDULER_ROLE_H_
#define MUSTER_AGENT_SCHEDULER_ROLE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/options.h"
#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/channel.h"
#include "grpcpp/impl/service_type.h"
#include "scheduler/core/scheduler.h"
#include "scheduler/rpc/job_service.h"
#include "scheduler/rpc/node_service.h"
#include "scheduler/rpc/scheduler_seat.h"
#include "scheduler/store/state_store.h"

namespace muster {

// The scheduler role of an agent: its store, its engine, its two services. Lives on the agent's
// loop.
class SchedulerRole {
 public:
  // A channel to the agent at an address.
  using Channels =
      std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(const std::string& address)>;

  // Opens the store below the state directory and loads all jobs. Blocks. Pointers must outlive it.
  // DATA_LOSS: the database is damaged.
  static absl::StatusOr<std::unique_ptr<SchedulerRole>> Open(const AgentOptions& options,
                                                             EventLoop* loop, OpenCalls* calls,
                                                             Channels channels);

  std::vector<grpc::Service*> services() { return {job_service_.get(), node_service_.get()}; }

 private:
  SchedulerRole() = default;

  std::unique_ptr<StateStore> store_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<SchedulerSeat> seat_;
  std::unique_ptr<JobServiceRpc> job_service_;
  std::unique_ptr<NodeServiceRpc> node_service_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SCHEDULER_ROLE_H_
