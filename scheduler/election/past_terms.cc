#include "scheduler/election/past_terms.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr double kDrift = 0.02;  // Of two hosts' clocks, each 1 %.
constexpr absl::Duration kRetry = absl::Seconds(1);

absl::Duration ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

v1::Term TermOf(const PastTerms::Options& options) {
  v1::Term term;
  term.set_epoch(options.epoch);
  term.set_node_id(options.succession.node_id);
  const absl::Duration doubt = options.longest_doubt;
  term.mutable_longest_doubt()->set_seconds(absl::ToInt64Seconds(doubt));
  term.mutable_longest_doubt()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(doubt % absl::Seconds(1))));
  return term;
}

}  // namespace

absl::Duration SilentFrom(const v1::Term& term, const Succession& succession) {
  // A process that leads, or is dead, does not lead an earlier term.
  if (term.node_id() == succession.node_id) return succession.elected;
  const auto answered = succession.answered.find(term.epoch());
  const bool knows =
      (answered != succession.answered.end() && answered->second >= succession.stood) ||
      (succession.first_leader != 0 && term.epoch() > succession.first_leader);
  const absl::Duration pledged = std::max(succession.elected, succession.pledged_until);
  if (knows) return pledged;
  return std::max(pledged, succession.stood + (1 + kDrift) * ToDuration(term.longest_doubt()));
}

PastTerms::PastTerms(Options options, EventLoop* loop, Etcd* etcd)
    : options_(std::move(options)), self_(TermOf(options_)), loop_(loop), etcd_(etcd) {}

PastTerms::~PastTerms() {
  *alive_ = false;
  loop_->Cancel(timer_);
}

void PastTerms::Enter(std::function<void(const absl::Status&)> done) {
  etcd_->Get(
      options_.key, /*prefix=*/false,
      [this, alive = alive_, done = std::move(done)](const absl::StatusOr<EtcdRange>& range) {
        if (!*alive) return;
        if (!range.ok()) return done(range.status());
        v1::Terms terms;
        if (!range->entries.empty()) {
          revision_ = range->entries[0].mod_revision;
          if (!terms.ParseFromString(range->entries[0].value)) {
            return done(absl::DataLossError(
                absl::StrCat("etcd key ", options_.key,
                             ": not a record of terms; delete it when all "
                             "agents were restarted since the last one was elected")));
          }
        }
        past_.assign(terms.terms().begin(), terms.terms().end());
        etcd_->Commit(Write(past_),
                      [this, alive, done](const absl::StatusOr<EtcdTxnResult>& result) {
                        if (*alive) Entered(result, done);
                      });
      });
}

void PastTerms::Entered(const absl::StatusOr<EtcdTxnResult>& result,
                        const std::function<void(const absl::Status&)>& done) {
  if (!result.ok()) return done(Annotate(result.status(), "etcd took no term"));
  if (!result->succeeded) {
    return done(
        absl::AbortedError(absl::StrCat("epoch ", options_.epoch, " was over before it began")));
  }
  revision_ = result->revision;
  entered_ = true;
  settled_ = past_.empty();
  Arm();
  done(absl::OkStatus());
}

EtcdTxn PastTerms::Write(const std::vector<v1::Term>& past) const {
  v1::Terms terms;
  for (const v1::Term& term : past) *terms.add_terms() = term;
  *terms.add_terms() = self_;
  EtcdTxn txn;
  EtcdCompare leads;
  leads.what = EtcdCompare::What::kCreateRevision;
  leads.key = options_.leader_key;
  leads.number = options_.epoch;
  EtcdCompare same;
  same.what = EtcdCompare::What::kModRevision;
  same.key = options_.key;
  same.number = revision_;
  EtcdOp put;
  put.key = options_.key;
  put.value = terms.SerializeAsString();
  txn.compares = {leads, same};
  txn.success = {put};
  return txn;
}

void PastTerms::OnNode(const std::string& node_id) {
  if (!entered_) return;
  const auto over =
      std::stable_partition(past_.begin(), past_.end(),
                            [&node_id](const v1::Term& term) { return term.node_id() != node_id; });
  if (over == past_.end()) return;
  // It may have renewed leases up to now, or up to where it must have ended in any case.
  for (auto term = over; term != past_.end(); ++term) {
    over_from_ = std::max(over_from_, std::min(loop_->clock()->Boot(),
                                               muster::SilentFrom(*term, options_.succession)));
  }
  past_.erase(over, past_.end());
  Arm();
}

absl::Duration PastTerms::SilentFrom() const {
  if (!entered_) return absl::InfiniteDuration();
  absl::Duration from = std::max(options_.succession.elected, over_from_);
  for (const v1::Term& term : past_) {
    from = std::max(from, muster::SilentFrom(term, options_.succession));
  }
  return from;
}

void PastTerms::Arm() {
  loop_->Cancel(timer_);
  timer_ = 0;
  if (settled_) return;
  const absl::Duration left = SilentFrom() - loop_->clock()->Boot();
  timer_ = loop_->After(std::max(left, absl::ZeroDuration()), [this] { Settle(); });
}

void PastTerms::Settle() {
  // Should this fail, or be done without a word, the next leader only waits for longer.
  etcd_->Commit(Write({}), [this, alive = alive_](const absl::StatusOr<EtcdTxnResult>& result) {
    if (!*alive) return;
    settled_ = result.ok();
    if (settled_) return;
    loop_->Cancel(timer_);
    timer_ = loop_->After(kRetry, [this] { Settle(); });
  });
}

}  // namespace muster
