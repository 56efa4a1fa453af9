#ifndef MUSTER_AGENT_ELECTED_ROLE_H_
#define MUSTER_AGENT_ELECTED_ROLE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/link/fresh_reasons.h"
#include "agent/link/pledge.h"
#include "agent/options.h"
#include "agent/scheduler_role.h"
#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"
#include "muster/v1/election.pb.h"
#include "scheduler/election/etcd_election.h"
#include "scheduler/election/past_terms.h"
#include "scheduler/election/pledge_book.h"
#include "scheduler/store/state_store.h"

namespace muster {

// An agent's part in a cluster that elects its scheduler through etcd: stands for the role, fills
// it while it is elected, with the state in etcd, and knows who does while it is not. When etcd
// does not answer it is in doubt: its engine ends, but the leases of nodes are renewed while all
// others that may be elected have pledged themselves. Lives on the agent's loop.
class ElectedRole {
 public:
  // `role` is filled and emptied. `on_leader` is called with the address of the scheduler whenever
  // it is another one, and when this agent, having been elected, is ready; never from within
  // Open(). `pledge` is what this agent's link promises. Pointers must outlive it. Errors: of the
  // flags about etcd.
  static absl::StatusOr<std::unique_ptr<ElectedRole>> Open(
      const AgentOptions& options, const v1::Candidate& self, EventLoop* loop, SchedulerRole* role,
      Pledge* pledge, std::function<void(const std::string& address)> on_leader);
  ~ElectedRole();

  // Lets another one have the role at once, if this agent has it; then calls `done`.
  void Resign(std::function<void()> done);

 private:
  ElectedRole(const AgentOptions& options, const v1::Candidate& self, EventLoop* loop,
              SchedulerRole* role, Pledge* pledge,
              std::function<void(const std::string& address)> on_leader);
  EtcdElection::Events Events();

  void OnElected(const ElectedLeader& self);
  Succession AtElection() const;
  void OpenStore(int64_t epoch);
  void OnOpened(absl::StatusOr<std::unique_ptr<StateStore>> store);
  void OnDoubt(const absl::Status& why);
  void OnDeposed(const absl::Status& why);
  void OnLeader(const absl::StatusOr<ElectedLeader>& leader);
  // What callers are told while this agent does not have the role.
  absl::Status Absence() const;

  const std::string prefix_;
  const v1::Candidate self_;
  EventLoop* const loop_;
  SchedulerRole* const role_;
  Pledge* const pledge_;
  const absl::Duration pledge_length_;  // That this agent asks for, as a leader.
  const absl::Duration longest_doubt_;
  const std::function<void(const std::string& address)> on_leader_;
  absl::StatusOr<ElectedLeader> leader_ = absl::UnavailableError("this agent has just started");
  FreshReasons logged_absences_;  // Why no scheduler is known, as the log has it.
  std::unique_ptr<Etcd> etcd_;
  std::unique_ptr<EtcdElection> election_;
  // Of a term.
  bool in_doubt_ = false;
  std::unique_ptr<PledgeBook> pledges_;
  std::unique_ptr<PastTerms> past_;
  std::unique_ptr<EtcdStream> opening_;  // Of the store, between election and readiness.
};

}  // namespace muster

#endif  // MUSTER_AGENT_ELECTED_ROLE_H_
