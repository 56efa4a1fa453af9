#include "agent/elected_role.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/etcd/etcd_client.h"
#include "glog/logging.h"
#include "scheduler/rpc/scheduler_seat.h"
#include "scheduler/store/etcd_store.h"

namespace muster {
namespace {

// A member that hangs is left within the time between two renewals of the lease.
constexpr absl::Duration kEtcdTimeout = absl::Milliseconds(800);

}  // namespace

absl::StatusOr<std::unique_ptr<ElectedRole>> ElectedRole::Open(
    const AgentOptions& options, const v1::Candidate& self, EventLoop* loop, SchedulerRole* role,
    std::function<void(const std::string& address)> on_leader) {
  std::unique_ptr<ElectedRole> made(
      new ElectedRole(options, self, loop, role, std::move(on_leader)));
  EtcdClientOptions client;
  client.endpoints = options.etcd;
  client.timeout = kEtcdTimeout;
  client.security = options.etcd_security;
  MUSTER_ASSIGN_OR_RETURN(made->etcd_, MakeEtcdClient(loop, client));
  EtcdElection::Options election;
  election.prefix = absl::StrCat(made->prefix_, "leader/");
  election.self = self;
  election.stands = options.candidate;
  EtcdElection::Events events;
  events.on_elected = [role = made.get()](const ElectedLeader& leader) { role->OnElected(leader); };
  events.on_deposed = [role = made.get()](const absl::Status& why) { role->OnDeposed(why); };
  events.on_leader = [role = made.get()](const absl::StatusOr<ElectedLeader>& leader) {
    role->OnLeader(leader);
  };
  made->election_ =
      std::make_unique<EtcdElection>(election, loop, made->etcd_.get(), std::move(events));
  made->election_->Start();
  return made;
}

ElectedRole::ElectedRole(const AgentOptions& options, const v1::Candidate& self, EventLoop* loop,
                         SchedulerRole* role,
                         std::function<void(const std::string& address)> on_leader)
    : prefix_(absl::StrCat(options.etcd_prefix, "/")),
      self_(self),
      loop_(loop),
      role_(role),
      on_leader_(std::move(on_leader)) {}

ElectedRole::~ElectedRole() {
  opening_ = nullptr;
  role_->Leave(NoScheduler("the agent is going down"));
  election_ = nullptr;
}

void ElectedRole::Resign(std::function<void()> done) { election_->Resign(std::move(done)); }

void ElectedRole::OnElected(const ElectedLeader& self) {
  EtcdStoreOptions store;
  store.prefix = absl::StrCat(prefix_, "state/");
  store.leader_key = election_->leader_key();
  store.epoch = self.epoch;
  store.on_fatal = [this](const absl::Status& why) { election_->StepDown(why); };
  opening_ = OpenEtcdStore(
      store, loop_, etcd_.get(),
      [this](absl::StatusOr<std::unique_ptr<StateStore>> opened) { OnOpened(std::move(opened)); });
}

void ElectedRole::OnOpened(absl::StatusOr<std::unique_ptr<StateStore>> store) {
  absl::Status taken = store.status();
  if (taken.ok()) {
    taken = role_->Take(*std::move(store), [this] { return election_->MayAct(); });
  }
  if (!taken.ok()) {
    LOG(ERROR) << "scheduler=elected: " << taken.message();
    return election_->StepDown(taken);
  }
  on_leader_(self_.address());
}

void ElectedRole::OnDeposed(const absl::Status& why) {
  opening_ = nullptr;
  role_->Leave(NoScheduler(absl::StrCat("the last one has left: ", why.message())));
}

void ElectedRole::OnLeader(const absl::StatusOr<ElectedLeader>& leader) {
  leader_ = leader;
  if (role_->taken()) return;  // Until it is deposed, which comes first.
  role_->Leave(Absence());
  if (!leader.ok()) return;
  LOG(INFO) << "scheduler=" << leader->candidate.address() << " epoch=" << leader->epoch
            << " node=" << leader->candidate.node_name() << " LEADS";
  // This agent itself is followed when it is ready.
  if (leader->candidate.node_id() != self_.node_id()) on_leader_(leader->candidate.address());
}

absl::Status ElectedRole::Absence() const {
  if (!leader_.ok()) return NoScheduler(leader_.status().message());
  if (leader_->candidate.node_id() == self_.node_id()) return NoScheduler("it is being loaded");
  return SchedulerIsElsewhere(leader_->candidate.address());
}

}  // namespace muster
