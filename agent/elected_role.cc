#include "agent/elected_role.h"

#include <algorithm>
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
// A candidate is heard every interval and names the answer to the beat before: two, and as much
// again for what is late.
constexpr int kPledgedBeats = 4;

}  // namespace

absl::StatusOr<std::unique_ptr<ElectedRole>> ElectedRole::Open(
    const AgentOptions& options, const v1::Candidate& self, EventLoop* loop, SchedulerRole* role,
    Pledge* pledge, std::function<void(const std::string& address)> on_leader) {
  std::unique_ptr<ElectedRole> made(
      new ElectedRole(options, self, loop, role, pledge, std::move(on_leader)));
  EtcdClientOptions client;
  client.endpoints = options.etcd;
  client.timeout = kEtcdTimeout;
  client.security = options.etcd_security;
  MUSTER_ASSIGN_OR_RETURN(made->etcd_, MakeEtcdClient(loop, client));
  EtcdElection::Options election;
  election.prefix = absl::StrCat(made->prefix_, "leader/");
  election.self = self;
  election.stands = options.candidate;
  election.longest_doubt = made->longest_doubt_;
  made->election_ =
      std::make_unique<EtcdElection>(election, loop, made->etcd_.get(), made->Events());
  made->election_->Start();
  return made;
}

ElectedRole::ElectedRole(const AgentOptions& options, const v1::Candidate& self, EventLoop* loop,
                         SchedulerRole* role, Pledge* pledge,
                         std::function<void(const std::string& address)> on_leader)
    : prefix_(absl::StrCat(options.etcd_prefix, "/")),
      self_(self),
      loop_(loop),
      role_(role),
      pledge_(pledge),
      pledge_length_(options.etcd_loss > absl::ZeroDuration()
                         ? kPledgedBeats * options.heartbeat_interval
                         : absl::ZeroDuration()),
      longest_doubt_(options.etcd_loss),
      on_leader_(std::move(on_leader)) {}

ElectedRole::~ElectedRole() {
  opening_ = nullptr;
  role_->Leave(NoScheduler("the agent is going down"));
  election_ = nullptr;
}

void ElectedRole::Resign(std::function<void()> done) { election_->Resign(std::move(done)); }

EtcdElection::Events ElectedRole::Events() {
  EtcdElection::Events events;
  events.on_elected = [this](const ElectedLeader& leader) { OnElected(leader); };
  events.on_candidates = [this](absl::Duration read_at,
                                const std::vector<v1::Candidate>& candidates) {
    if (pledges_ != nullptr) pledges_->OnCandidates(read_at, candidates);
  };
  events.on_doubt = [this](const absl::Status& why) { OnDoubt(why); };
  events.on_deposed = [this](const absl::Status& why) { OnDeposed(why); };
  events.on_leader = [this](const absl::StatusOr<ElectedLeader>& leader) { OnLeader(leader); };
  return events;
}

Succession ElectedRole::AtElection() const {
  Succession succession;
  succession.node_id = self_.node_id();
  succession.elected = loop_->clock()->Boot();
  succession.stood = election_->standing_since();
  succession.first_leader = election_->first_leader();
  succession.pledged_until = pledge_->until();
  succession.answered = pledge_->answered();
  return succession;
}

void ElectedRole::OnElected(const ElectedLeader& self) {
  pledge_->Withhold(true);
  PastTerms::Options past;
  past.key = absl::StrCat(prefix_, "terms");
  past.leader_key = election_->leader_key();
  past.epoch = self.epoch;
  past.longest_doubt = std::max(longest_doubt_, pledge_length_);
  past.succession = AtElection();
  past_ = std::make_unique<PastTerms>(std::move(past), loop_, etcd_.get());
  PledgeBook::Options pledges;
  pledges.self = self_.node_id();
  pledges.length = pledge_length_;
  pledges.on_node = [past = past_.get()](const std::string& node_id) { past->OnNode(node_id); };
  pledges_ = std::make_unique<PledgeBook>(std::move(pledges), loop_->clock());
  past_->Enter([this, epoch = self.epoch](const absl::Status& entered) {
    if (!entered.ok()) return election_->StepDown(entered);
    OpenStore(epoch);
  });
}

void ElectedRole::OpenStore(int64_t epoch) {
  EtcdStoreOptions store;
  store.prefix = absl::StrCat(prefix_, "state/");
  store.leader_key = election_->leader_key();
  store.epoch = epoch;
  store.on_fatal = [this](const absl::Status& why) { election_->StepDown(why); };
  opening_ = OpenEtcdStore(
      store, loop_, etcd_.get(),
      [this](absl::StatusOr<std::unique_ptr<StateStore>> opened) { OnOpened(std::move(opened)); });
}

void ElectedRole::OnOpened(absl::StatusOr<std::unique_ptr<StateStore>> store) {
  absl::Status taken = store.status();
  if (taken.ok()) {
    SchedulerRole::Mandate mandate;
    mandate.seat.may_act = [this] { return election_->MayAct(); };
    mandate.seat.pledges = pledges_.get();
    mandate.silent_from = [past = past_.get()] { return past->SilentFrom(); };
    taken = role_->Take(*std::move(store), mandate);
  }
  if (!taken.ok()) {
    LOG(ERROR) << "scheduler=elected: " << taken.message();
    return election_->StepDown(taken);
  }
  on_leader_(self_.address());
}

void ElectedRole::OnDoubt(const absl::Status& why) {
  if (!role_->taken()) return election_->StepDown(why);  // No node has come to it yet.
  in_doubt_ = true;
  role_->Doubt(NoScheduler(why.message()),
               [this] { return election_->InDoubt() && pledges_->AllPledged(); });
}

void ElectedRole::OnDeposed(const absl::Status& why) {
  opening_ = nullptr;
  in_doubt_ = false;
  role_->Leave(NoScheduler(absl::StrCat("the last one has left: ", why.message())));
  pledges_ = nullptr;
  past_ = nullptr;
  pledge_->Withhold(false);
}

void ElectedRole::OnLeader(const absl::StatusOr<ElectedLeader>& leader) {
  leader_ = leader;
  if (leader.ok()) {
    logged_absences_.Clear();
  } else if (logged_absences_.Take(leader.status().message())) {
    LOG(WARNING) << "node=" << self_.node_name()
                 << " scheduler UNKNOWN: " << leader.status().message();
  }
  if (role_->taken() || in_doubt_) return;  // Until it is deposed, which comes first.
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
