#ifndef MUSTER_AGENT_SCHEDULER_ROLE_H_
#define MUSTER_AGENT_SCHEDULER_ROLE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

// The scheduler role of an agent: two services for as long as the server lives, and, while the
// agent has the role, a store and an engine behind them. Lives on the agent's loop.
class SchedulerRole {
 public:
  // A channel to the agent at an address.
  using Channels =
      std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(const std::string& address)>;

  // Without the role yet. Pointers must outlive it.
  SchedulerRole(const AgentOptions& options, EventLoop* loop, Channels channels);
  ~SchedulerRole();

  // Takes the role for good, with the store below the state directory: all jobs are loaded. Blocks.
  // DATA_LOSS: the database is damaged.
  absl::Status TakeAlone();
  // What an election gives beside the role.
  struct Mandate {
    SchedulerSeat::Mandate seat;
    std::function<absl::Duration()> silent_from;  // As in Scheduler::Options.
  };
  // Takes the role with a store, until Leave(); acts only while the mandate says so. The errors of
  // Scheduler::Load().
  absl::Status Take(std::unique_ptr<StateStore> store, const Mandate& mandate);
  // Ends the engine, as Leave() does, but for the nodes' streams and, while `may_renew` says so,
  // their leases: until Leave().
  void Doubt(const absl::Status& why, std::function<bool()> may_renew);
  // Ends the engine and every call that waits for it. Callers are told `why` from now on. Without
  // the role it changes what they are told. Ranks do not notice.
  void Leave(const absl::Status& why);

  // The agent is going down: as Leave(), but who waits for the store still gets his answer.
  void Close(const absl::Status& why) { seat_.Close(why); }

  bool taken() const { return scheduler_ != nullptr; }
  std::vector<grpc::Service*> services() { return {&job_service_, &node_service_}; }

 private:
  absl::Status Begin(std::unique_ptr<StateStore> store, const Mandate& mandate);

  const AgentOptions options_;
  EventLoop* const loop_;
  const Channels channels_;
  OpenCalls calls_;
  SchedulerSeat seat_;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<Scheduler> scheduler_;
  JobServiceRpc job_service_;
  NodeServiceRpc node_service_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SCHEDULER_ROLE_H_
