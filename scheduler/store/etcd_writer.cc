#include "scheduler/store/etcd_writer.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace muster {
namespace {

std::string NameOf(int64_t epoch, int64_t number) {
  return absl::StrFormat("%016x.%08x", epoch, number);
}

// What a failed call means for what was to be written.
absl::Status Judge(const absl::Status& status) {
  const std::string text = absl::StrCat("etcd: ", status.message());
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      // The other one is "too many requests", which passes.
      if (absl::StrContains(text, "space")) return absl::ResourceExhaustedError(text);
      return absl::UnavailableError(text);
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      return absl::UnavailableError(text);
    case absl::StatusCode::kAborted:
      return absl::InternalError(text);
    default:
      return absl::Status(status.code(), text);
  }
}

}  // namespace

EtcdWriter::EtcdWriter(Etcd* etcd, std::string leader_key, int64_t epoch, std::string commit_key)
    : etcd_(etcd),
      leader_key_(std::move(leader_key)),
      epoch_(epoch),
      commit_key_(std::move(commit_key)) {}

std::string EtcdWriter::NextName() const { return NameOf(epoch_, number_ + 1); }

void EtcdWriter::Write(std::vector<EtcdOp> ops, std::function<void(const absl::Status&)> done) {
  EtcdOp count;
  count.key = commit_key_;
  count.value = NextName();
  ++number_;
  ops.push_back(std::move(count));
  Send(std::make_shared<std::vector<EtcdOp>>(std::move(ops)), std::move(done));
}

void EtcdWriter::Send(std::shared_ptr<std::vector<EtcdOp>> ops,
                      std::function<void(const absl::Status&)> done) {
  EtcdTxn txn;
  EtcdCompare leads;
  leads.what = EtcdCompare::What::kCreateRevision;
  leads.key = leader_key_;
  leads.number = epoch_;
  txn.compares.push_back(leads);
  if (revision_ != 0) {
    EtcdCompare follows;
    follows.what = EtcdCompare::What::kModRevision;
    follows.key = commit_key_;
    follows.number = revision_;
    txn.compares.push_back(follows);
  }
  txn.success = *ops;
  EtcdOp look;
  look.kind = EtcdOp::Kind::kGet;
  look.key = leader_key_;
  txn.failure.push_back(look);
  look.key = commit_key_;
  txn.failure.push_back(look);
  etcd_->Commit(txn, [this, alive = alive_, ops = std::move(ops),
                      done = std::move(done)](const absl::StatusOr<EtcdTxnResult>& result) {
    if (!*alive) return;
    if (!result.ok()) return done(Judge(result.status()));
    if (!result->succeeded) return Refused(*result, ops, done);
    revision_ = result->revision;
    done(absl::OkStatus());
  });
}

void EtcdWriter::Refused(const EtcdTxnResult& result, std::shared_ptr<std::vector<EtcdOp>> ops,
                         const std::function<void(const absl::Status&)>& done) {
  const bool whole = result.gets.size() == 2;
  const bool leads = whole && !result.gets[0].entries.empty() &&
                     result.gets[0].entries[0].create_revision == epoch_;
  if (!leads) {
    return done(absl::AbortedError(
        absl::StrCat("epoch ", epoch_, " is over: its leader's key is gone from etcd")));
  }
  // An earlier transaction of ours, of which nothing was heard, was done.
  const bool ours =
      !result.gets[1].entries.empty() &&
      absl::StartsWith(result.gets[1].entries[0].value, NameOf(epoch_, 0).substr(0, 17));
  if (!ours) {
    return done(absl::AbortedError(
        absl::StrCat("etcd key ", commit_key_, ": somebody else has written it")));
  }
  revision_ = result.gets[1].entries[0].mod_revision;
  if (result.gets[1].entries[0].value == NameOf(epoch_, number_)) return done(absl::OkStatus());
  Send(std::move(ops), done);
}

}  // namespace muster
