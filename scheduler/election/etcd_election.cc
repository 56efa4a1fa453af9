#include "scheduler/election/etcd_election.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kRenewals = 3;  // Within one time to live.
constexpr absl::Duration kQuickRetry = absl::Milliseconds(100);
// What two hosts' clocks may drift apart in one time to live, and this process be late.
constexpr double kMargin = 0.1;

Backoff::Options LookBackoff() {
  return {absl::Milliseconds(100), absl::Seconds(1), /*jitter=*/0.5};
}

bool SameLeader(const absl::StatusOr<ElectedLeader>& a, const absl::StatusOr<ElectedLeader>& b) {
  if (!a.ok() || !b.ok()) return a.status() == b.status();
  return a->epoch == b->epoch;
}

// Null: nobody stands.
const EtcdEntry* FindLowest(const EtcdRange& range) {
  const auto lowest = std::min_element(
      range.entries.begin(), range.entries.end(),
      [](const EtcdEntry& a, const EtcdEntry& b) { return a.create_revision < b.create_revision; });
  return lowest == range.entries.end() ? nullptr : &*lowest;
}

const EtcdEntry* FindKey(const EtcdRange& range, const std::string& key) {
  const auto found = std::find_if(range.entries.begin(), range.entries.end(),
                                  [&key](const EtcdEntry& entry) { return entry.key == key; });
  return found == range.entries.end() ? nullptr : &*found;
}

std::vector<v1::Candidate> CandidatesIn(const EtcdRange& range) {
  std::vector<v1::Candidate> candidates;
  for (const EtcdEntry& entry : range.entries) {
    v1::Candidate candidate;
    if (!candidate.ParseFromString(entry.value)) candidate.Clear();
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace

std::string EtcdElection::KeyOf(const Options& options, int64_t lease) {
  return absl::StrCat(options.prefix, absl::StrFormat("%016x", lease));
}

EtcdElection::EtcdElection(const Options& options, EventLoop* loop, Etcd* etcd, Events events)
    : options_(options),
      loop_(loop),
      etcd_(etcd),
      events_(std::move(events)),
      look_backoff_(LookBackoff()),
      stand_backoff_(options.backoff) {}

EtcdElection::~EtcdElection() {
  *alive_ = false;
  loop_->Cancel(look_timer_);
  loop_->Cancel(renew_timer_);
  loop_->Cancel(deadline_timer_);
}

void EtcdElection::Start() {
  DCHECK(loop_->OnLoop());
  looked_at_ = Now();
  Look(std::nullopt);
  if (options_.stands) Stand();
}

bool EtcdElection::MayAct() const { return leading_ && !doubts_ && Now() < proven_at_ + ActFor(); }

bool EtcdElection::InDoubt() const {
  return doubts_ && Now() < proven_at_ + options_.longest_doubt;
}

void EtcdElection::StepDown(const absl::Status& why) {
  if (!leading_) return;
  Lose(why);
  loop_->Cancel(renew_timer_);  // Those that stand already go first.
  renew_timer_ = loop_->After(2 * options_.ttl, [this] { Stand(); });
}

void EtcdElection::Resign(std::function<void()> done) {
  DCHECK(loop_->OnLoop());
  resigned_ = true;
  watch_ = nullptr;
  loop_->Cancel(look_timer_);
  loop_->Cancel(renew_timer_);
  loop_->Cancel(deadline_timer_);
  ++term_;
  doubts_ = false;
  if (std::exchange(leading_, false)) {
    events_.on_deposed(absl::UnavailableError("the scheduler is going down; try again"));
  }
  const int64_t lease = std::exchange(lease_, 0);
  if (lease == 0) return loop_->Post(std::move(done));
  etcd_->Revoke(lease, [done = std::move(done)](const absl::Status&) { done(); });
}

std::function<bool()> EtcdElection::ThisTerm() const {
  return [this, alive = alive_, term = term_] { return *alive && term == term_; };
}

absl::Duration EtcdElection::ActFor() const { return options_.ttl * (1 - kMargin); }

void EtcdElection::Look(std::optional<absl::Duration> renewed_at) {
  if (resigned_) return;
  if (looking_ && !renewed_at.has_value()) {
    look_again_ = true;
    return;
  }
  if (!renewed_at.has_value()) looking_ = true;
  const absl::Duration sent_at = Now();
  etcd_->Get(options_.prefix, /*prefix=*/true,
             [this, alive = alive_, this_term = ThisTerm(), renewed_at,
              sent_at](const absl::StatusOr<EtcdRange>& range) {
               if (!*alive || resigned_) return;
               if (!renewed_at.has_value()) looking_ = false;
               if (renewed_at.has_value() && !this_term()) return;
               if (range.ok()) looked_at_ = sent_at;
               Looked(sent_at, range, renewed_at);
             });
}

void EtcdElection::LookAgainAfter(bool answered) {
  loop_->Cancel(look_timer_);
  const bool again = std::exchange(look_again_, false);
  const absl::Duration wait = again         ? absl::ZeroDuration()
                              : !answered   ? look_backoff_.Next()
                              : lease_ != 0 ? options_.ttl
                                            : options_.look_interval;
  look_timer_ = loop_->After(wait, [this] { Look(std::nullopt); });
}

void EtcdElection::Looked(absl::Duration sent_at, const absl::StatusOr<EtcdRange>& range,
                          std::optional<absl::Duration> renewed_at) {
  LookAgainAfter(range.ok());
  if (!range.ok()) {
    if (renewed_at.has_value()) RenewAfter(kQuickRetry);
    if (Now() - looked_at_ > options_.ttl) Tell(Annotate(range.status(), "etcd does not answer"));
    return;
  }
  look_backoff_.Reset();
  ForgetOldSelf(*range);
  if (watch_ == nullptr) WatchFrom(range->revision + 1);
  if (!CheckOwnKey(*range, renewed_at)) return;
  const EtcdEntry* const lowest = FindLowest(*range);
  if (lowest == nullptr) {
    return Tell(absl::UnavailableError("nobody stands for the scheduler's role in etcd"));
  }
  ElectedLeader leader;
  leader.epoch = lowest->create_revision;
  if (!leader.candidate.ParseFromString(lowest->value)) {
    return Tell(absl::DataLossError(absl::StrCat("etcd key ", lowest->key, ": not a candidate")));
  }
  const bool stands = create_revision_ != 0 && range->revision >= create_revision_;
  if (stands && first_leader_ == 0) first_leader_ = leader.epoch;
  Tell(leader);
  // Only what follows a renewal is a proof.
  const bool mine = create_revision_ != 0 && lowest->create_revision == create_revision_;
  if (!mine || doubts_) return;
  if (!leading_) {
    if (Now() >= proven_at_ + ActFor()) return;
    leading_ = true;
    LOG(INFO) << "scheduler election: ELECTED epoch=" << leader.epoch;
    events_.on_elected(leader);
  }
  if (leading_) events_.on_candidates(sent_at, CandidatesIn(*range));
}

bool EtcdElection::CheckOwnKey(const EtcdRange& range, std::optional<absl::Duration> renewed_at) {
  if (create_revision_ == 0 || range.revision < create_revision_) return true;
  const EtcdEntry* const own = FindKey(range, key_);
  if (own == nullptr || own->create_revision != create_revision_) {
    Lose(absl::AbortedError("this candidate's key is gone from etcd"));
    return false;
  }
  if (!renewed_at.has_value()) return true;
  if (doubts_) {
    // Its engine is gone: it begins anew, as any other, from what is in etcd.
    Lose(absl::UnavailableError("etcd answers again, the scheduler begins anew"));
    return false;
  }
  Proven(*renewed_at);
  return true;
}

void EtcdElection::Tell(const absl::StatusOr<ElectedLeader>& leader) {
  if (told_.has_value() && SameLeader(*told_, leader)) return;
  told_ = leader;
  events_.on_leader(leader);
}

void EtcdElection::WatchFrom(int64_t revision) {
  EtcdWatchHandler handler;
  handler.on_events = [this](const std::vector<EtcdEvent>&) { Look(std::nullopt); };
  handler.on_gap = [this] { Look(std::nullopt); };
  handler.on_state = [this](const absl::Status& status) {
    if (!status.ok()) VLOG(1) << "scheduler election: the watch broke: " << status.message();
  };
  watch_ = etcd_->Watch(options_.prefix, /*prefix=*/true, revision, std::move(handler));
}

// An earlier process of this agent is dead, for this one holds the lock of its state directory: its
// lease need not lapse first. Nor need one that this process gave up while etcd did not answer: its
// key may be the lowest, and would lead for nobody.
void EtcdElection::ForgetOldSelf(const EtcdRange& range) {
  for (const EtcdEntry& entry : range.entries) {
    v1::Candidate candidate;
    if (entry.lease == 0 || entry.lease == lease_) continue;
    if (!candidate.ParseFromString(entry.value)) continue;
    if (candidate.node_id().empty() || candidate.node_id() != options_.self.node_id()) continue;
    LOG(INFO) << "scheduler election: an old lease of this agent is given up";
    etcd_->Revoke(entry.lease, [](const absl::Status&) {});
  }
}

void EtcdElection::Stand() {
  if (resigned_ || lease_ != 0) return;
  const absl::Duration sent_at = Now();
  etcd_->Grant(options_.ttl,
               [this, this_term = ThisTerm(), sent_at](const absl::StatusOr<int64_t>& lease) {
                 if (!this_term()) return;
                 if (!lease.ok()) return StandLater();
                 lease_ = *lease;
                 key_ = KeyOf(options_, lease_);
                 proven_at_ = sent_at;
                 Enter();
               });
}

void EtcdElection::StandLater() {
  if (resigned_) return;
  loop_->Cancel(renew_timer_);
  renew_timer_ = loop_->After(stand_backoff_.Next(), [this] { Stand(); });
}

void EtcdElection::Enter() {
  EtcdTxn txn;
  EtcdCompare absent;
  absent.what = EtcdCompare::What::kCreateRevision;
  absent.key = key_;
  EtcdOp put;
  put.key = key_;
  put.value = options_.self.SerializeAsString();
  put.lease = lease_;
  EtcdOp get;
  get.kind = EtcdOp::Kind::kGet;
  get.key = key_;
  txn.compares = {absent};
  txn.success = {put, get};
  txn.failure = {get};  // An earlier try was done after all.
  etcd_->Commit(txn, [this, this_term = ThisTerm()](const absl::StatusOr<EtcdTxnResult>& result) {
    if (this_term()) Entered(result);
  });
}

void EtcdElection::Entered(const absl::StatusOr<EtcdTxnResult>& result) {
  const bool shown = result.ok() && !result->gets.empty() && !result->gets[0].entries.empty();
  if (!shown) {
    if (Now() >= proven_at_ + ActFor() || absl::IsNotFound(result.status())) {
      return Lose(result.ok() ? absl::AbortedError("this candidate's key did not stay in etcd")
                              : Annotate(result.status(), "etcd took no candidate"));
    }
    renew_timer_ = loop_->After(kQuickRetry, [this] { Enter(); });
    return;
  }
  create_revision_ = result->gets[0].entries[0].create_revision;
  standing_since_ = Now();
  first_leader_ = 0;
  stand_backoff_.Reset();
  ArmDeadline();
  Renew();
}

void EtcdElection::Renew() {
  const absl::Duration sent_at = Now();
  etcd_->Renew(lease_,
               [this, this_term = ThisTerm(), sent_at](const absl::StatusOr<absl::Duration>& ttl) {
                 if (this_term()) Renewed(sent_at, ttl);
               });
}

void EtcdElection::Renewed(absl::Duration sent_at, const absl::StatusOr<absl::Duration>& ttl) {
  if (absl::IsNotFound(ttl.status())) return Lose(ttl.status());
  if (!ttl.ok()) return RenewAfter(kQuickRetry);
  Look(sent_at);
}

void EtcdElection::RenewAfter(absl::Duration delay) {
  loop_->Cancel(renew_timer_);
  renew_timer_ = loop_->After(delay, [this] { Renew(); });
}

void EtcdElection::Proven(absl::Duration renewed_at) {
  proven_at_ = std::max(proven_at_, renewed_at);
  ArmDeadline();
  RenewAfter(std::max(renewed_at + options_.ttl / kRenewals - Now(), absl::ZeroDuration()));
}

void EtcdElection::ArmDeadline() {
  loop_->Cancel(deadline_timer_);
  const absl::Duration good_for = doubts_ ? options_.longest_doubt : ActFor();
  deadline_timer_ = loop_->After(proven_at_ + good_for - Now(), [this] { OnDeadline(); });
}

void EtcdElection::OnDeadline() {
  const absl::Status why = absl::DeadlineExceededError(
      absl::StrCat("etcd has not confirmed the lease for ",
                   absl::FormatDuration(absl::Trunc(Now() - proven_at_, absl::Milliseconds(100)))));
  if (!leading_ || doubts_ || options_.longest_doubt <= ActFor()) return Lose(why);
  doubts_ = true;
  ArmDeadline();
  LOG(WARNING) << "scheduler election: IN DOUBT: " << why.message();
  events_.on_doubt(why);
}

void EtcdElection::Lose(const absl::Status& why) {
  ++term_;
  loop_->Cancel(renew_timer_);
  loop_->Cancel(deadline_timer_);
  create_revision_ = 0;
  doubts_ = false;
  if (std::exchange(leading_, false)) {
    LOG(WARNING) << "scheduler election: DEPOSED: " << why.message();
    events_.on_deposed(why);
  }
  const int64_t lease = std::exchange(lease_, 0);
  if (lease != 0) etcd_->Revoke(lease, [](const absl::Status&) {});
  Look(std::nullopt);
  StandLater();
}

}  // namespace muster
