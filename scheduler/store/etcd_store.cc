#include "scheduler/store/etcd_store.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/failpoint.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "glog/logging.h"
#include "scheduler/store/etcd_records.h"
#include "scheduler/store/etcd_writer.h"

namespace muster {
namespace {

constexpr size_t kOpBytes = 32;  // About what an operation adds to its key and value.
constexpr size_t kUndone = 50;   // Jobs whose traces are removed at once.

struct Entry {
  StateBatch batch;
  StateStore::Done done;
};

EtcdOp PutOp(std::string key, std::string value) {
  EtcdOp op;
  op.key = std::move(key);
  op.value = std::move(value);
  return op;
}

EtcdOp DeleteOp(std::string key, std::string end = "") {
  EtcdOp op;
  op.kind = EtcdOp::Kind::kDelete;
  op.key = std::move(key);
  op.end = std::move(end);
  return op;
}

EtcdOp DeleteAllOp(std::string prefix) {
  EtcdOp op = DeleteOp(std::move(prefix));
  op.prefix = true;
  return op;
}

size_t BytesOf(const EtcdOp& op) { return kOpBytes + op.key.size() + op.value.size(); }

// See OpenEtcdStore(). Commits wait in `waiting_`; those of the transaction under way are `group_`.
class EtcdStore : public StateStore {
 public:
  EtcdStore(const EtcdStoreOptions& options, EventLoop* loop, std::unique_ptr<EtcdWriter> writer,
            StoredState state, const std::vector<std::string>& pieced)
      : options_(options),
        keys_(options.prefix),
        loop_(loop),
        writer_(std::move(writer)),
        state_(std::move(state)),
        pieced_(pieced.begin(), pieced.end()),
        backoff_(options.backoff) {}
  ~EtcdStore() override {
    *alive_ = false;
    loop_->Cancel(retry_);
  }

  absl::StatusOr<StoredState> Load() override { return std::move(state_); }

  void Commit(StateBatch batch, Done done) override {
    DCHECK(loop_->OnLoop());
    if (batch.refuse_when_full && !trouble_.ok() && retry_ != 0) {
      return loop_->Post([alive = alive_, trouble = trouble_, done = std::move(done)] {
        if (*alive) done(trouble);
      });
    }
    CutRemovals(&batch);
    waiting_.push_back({std::move(batch), std::move(done)});
    if (std::exchange(pump_posted_, true)) return;
    loop_->Post([this, alive = alive_] {
      if (*alive) Pump();
    });
  }

  absl::Status Full() const override { return trouble_; }

 private:
  // Retention removes thousands of jobs at once, which need not go together.
  void CutRemovals(StateBatch* batch) {
    while (batch->remove_jobs.size() > options_.max_txn_ops / 2) {
      StateBatch part;
      const auto end = batch->remove_jobs.end();
      const auto begin = end - static_cast<ptrdiff_t>(options_.max_txn_ops / 2);
      part.remove_jobs.assign(begin, end);
      batch->remove_jobs.erase(begin, end);
      waiting_.push_back({std::move(part), [](const absl::Status&) {}});
    }
  }

  // Begins the next transaction, unless one is under way or a retry is due.
  void Pump() {
    pump_posted_ = false;
    if (dead_ || writing_ || retry_ != 0) return;
    if (!undo_.empty()) return Undo();
    if (waiting_.empty()) return;
    Gather();
    if (steps_.empty()) return Answer();  // Barriers only.
    Failpoint("store_before_commit");
    Step();
  }

  // Moves as many commits to the group as go into one transaction.
  void Gather() {
    std::map<std::string, EtcdOp> ops;  // By key: the last one counts.
    std::vector<EtcdOp> pieces;
    std::set<std::string> ids;
    size_t bytes = 0;
    while (!waiting_.empty()) {
      const StateBatch& batch = waiting_.front().batch;
      std::vector<EtcdOp> more_pieces;
      std::vector<EtcdOp> more = OpsOf(batch, &more_pieces);
      for (const EtcdOp& op : more) bytes += BytesOf(op);
      bool fits =
          bytes <= options_.max_txn_bytes && ops.size() + more.size() <= options_.max_txn_ops;
      for (const JobRecord& record : batch.put_jobs) fits &= ids.insert(record.job.id()).second;
      const bool forgets = batch.forget_requests_before != absl::InfinitePast();
      // What is forgotten may not overlap with what is put.
      if (!ops.empty() && (!fits || forgets)) break;
      for (EtcdOp& op : more) ops[op.key] = std::move(op);
      std::move(more_pieces.begin(), more_pieces.end(), std::back_inserter(pieces));
      group_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
      if (forgets) break;
    }
    steps_.clear();
    AddPieces(std::move(pieces));
    if (ops.empty()) return;
    steps_.emplace_back();
    for (auto& [key, op] : ops) steps_.back().push_back(std::move(op));
  }

  // As transactions of their own, before the one that shows them.
  void AddPieces(std::vector<EtcdOp> pieces) {
    size_t bytes = 0;
    for (EtcdOp& piece : pieces) {
      if (steps_.empty() || bytes + BytesOf(piece) > options_.max_txn_bytes) {
        steps_.emplace_back();
        bytes = 0;
      }
      bytes += BytesOf(piece);
      steps_.back().push_back(std::move(piece));
    }
  }

  std::vector<EtcdOp> OpsOf(const StateBatch& batch, std::vector<EtcdOp>* pieces) {
    std::vector<EtcdOp> ops;
    for (const JobRecord& record : batch.put_jobs) PutJob(record, &ops, pieces);
    for (const std::string& id : batch.remove_jobs) {
      ops.push_back(DeleteOp(keys_.Job(id)));
      if (pieced_.count(id) > 0) ops.push_back(DeleteAllOp(keys_.PiecesOf(id)));
    }
    for (const RequestRecord& request : batch.put_requests) {
      if (request.made < batch.forget_requests_before) continue;
      ops.push_back(PutOp(keys_.Request(request), request.job_id));
    }
    for (const NodeRecord& node : batch.put_nodes) {
      const bool ordered = node.cordoned || node.draining;
      ops.push_back(ordered ? PutOp(keys_.Node(node.node_id), EncodeNode(node))
                            : DeleteOp(keys_.Node(node.node_id)));
    }
    if (batch.forget_requests_before != absl::InfinitePast()) {
      ops.push_back(DeleteOp(keys_.RequestsFrom(absl::UnixEpoch()),
                             keys_.RequestsFrom(batch.forget_requests_before)));
    }
    return ops;
  }

  void PutJob(const JobRecord& record, std::vector<EtcdOp>* ops, std::vector<EtcdOp>* pieces) {
    const std::string& id = record.job.id();
    const std::string writing = writer_->NextName();
    EncodedJob encoded = EncodeJob(record, writing, options_.max_value_bytes);
    ops->push_back(PutOp(keys_.Job(id), std::move(encoded.value)));
    if (encoded.pieces.empty()) {
      if (pieced_.count(id) > 0) ops->push_back(DeleteAllOp(keys_.PiecesOf(id)));
      return;
    }
    pieced_.insert(id);  // For good: to delete what is not there does no harm.
    ops->push_back(DeleteOp(keys_.PiecesOf(id), keys_.PiecesOf(id, writing)));
    for (size_t i = 0; i < encoded.pieces.size(); ++i) {
      pieces->push_back(PutOp(keys_.Piece(id, writing, i), std::move(encoded.pieces[i])));
    }
  }

  void Step() {
    writing_ = true;
    writer_->Write(steps_.front(), [this](const absl::Status& status) {
      writing_ = false;
      if (!status.ok()) return Fail(status);
      Recover();
      steps_.pop_front();
      if (!steps_.empty()) return Step();
      Failpoint("store_after_commit");
      Answer();
    });
  }

  void Answer() {
    std::deque<Entry> answered = std::move(group_);
    group_.clear();
    const std::shared_ptr<bool> alive = alive_;
    for (Entry& entry : answered) {
      if (*alive) entry.done(absl::OkStatus());
    }
    if (*alive) Pump();
  }

  void Fail(const absl::Status& status) {
    steps_.clear();
    for (auto it = group_.rbegin(); it != group_.rend(); ++it) {
      // It may have been done, and may yet be until the next transaction.
      if (it->batch.refuse_when_full) NoteUndo(it->batch);
      waiting_.push_front(std::move(*it));
    }
    group_.clear();
    const bool passes = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
    if (!passes) return Die(status);
    if (trouble_.ok()) LOG(ERROR) << "state store: " << status.message() << "; commits wait";
    trouble_ = WithDetail(status, absl::IsUnavailable(status) ? "STORE_AWAY" : "STORE_FULL", "",
                          absl::IsUnavailable(status)
                              ? "try again when etcd answers; running jobs are not affected"
                              : "compact and defragment etcd, or raise its quota");
    if (!waiting_.empty() || !undo_.empty()) {
      retry_ = loop_->After(backoff_.Next(), [this] {
        retry_ = 0;
        Pump();
      });
    }
    RefuseNew();
  }

  void NoteUndo(const StateBatch& batch) {
    for (const JobRecord& record : batch.put_jobs) {
      undo_.push_back(DeleteOp(keys_.Job(record.job.id())));
      if (pieced_.count(record.job.id()) > 0) {
        undo_.push_back(DeleteAllOp(keys_.PiecesOf(record.job.id())));
      }
    }
    for (const RequestRecord& request : batch.put_requests) {
      undo_.push_back(DeleteOp(keys_.Request(request)));
    }
  }

  // Removes what refused commits may have left.
  void Undo() {
    std::map<std::string, EtcdOp> ops;
    while (!undo_.empty() && ops.size() < kUndone) {
      ops[undo_.front().key] = undo_.front();
      undoing_.push_back(std::move(undo_.front()));
      undo_.pop_front();
    }
    std::vector<EtcdOp> list;
    for (auto& [key, op] : ops) list.push_back(std::move(op));
    writing_ = true;
    writer_->Write(std::move(list), [this](const absl::Status& status) {
      writing_ = false;
      if (!status.ok()) {
        undo_.insert(undo_.begin(), undoing_.begin(), undoing_.end());
        undoing_.clear();
        return Fail(status);
      }
      undoing_.clear();
      Recover();
      Pump();
    });
  }

  // Answers what need not wait. Barriers go on waiting, to keep the order.
  void RefuseNew() {
    std::vector<Entry> refused;
    std::deque<Entry> kept;
    for (Entry& entry : waiting_) {
      if (entry.batch.refuse_when_full) {
        refused.push_back(std::move(entry));
      } else {
        kept.push_back(std::move(entry));
      }
    }
    waiting_ = std::move(kept);
    const std::shared_ptr<bool> alive = alive_;
    const absl::Status trouble = trouble_;
    for (Entry& entry : refused) {
      if (*alive) entry.done(trouble);
    }
  }

  void Recover() {
    if (trouble_.ok()) return;
    LOG(INFO) << "state store: etcd takes commits again";
    trouble_ = absl::OkStatus();
    backoff_.Reset();
  }

  void Die(const absl::Status& status) {
    dead_ = true;
    LOG(ERROR) << "state store: " << status.message() << "; nothing more is acknowledged";
    loop_->Post([alive = alive_, on_fatal = options_.on_fatal, status] {
      if (*alive && on_fatal) on_fatal(status);
    });
  }

  const EtcdStoreOptions options_;
  const EtcdKeys keys_;
  EventLoop* const loop_;
  const std::unique_ptr<EtcdWriter> writer_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  StoredState state_;             // Until Load().
  std::set<std::string> pieced_;  // Ids of jobs that have, or had, pieces.
  Backoff backoff_;
  std::deque<Entry> waiting_;
  std::deque<Entry> group_;
  std::deque<std::vector<EtcdOp>> steps_;  // Of the group: pieces, then all that shows them.
  std::deque<EtcdOp> undo_;                // Before anything else is committed.
  std::deque<EtcdOp> undoing_;
  absl::Status trouble_;
  EventLoop::TimerId retry_ = 0;
  bool pump_posted_ = false;
  bool writing_ = false;
  bool dead_ = false;
};

// Claims the state, so that nobody else's transaction can come in between, then reads it in pages.
class Opening : public EtcdStream {
 public:
  Opening(const EtcdStoreOptions& options, EventLoop* loop, Etcd* etcd, EtcdStoreDone done)
      : options_(options),
        keys_(options.prefix),
        loop_(loop),
        etcd_(etcd),
        done_(std::move(done)),
        backoff_(options.backoff),
        writer_(
            std::make_unique<EtcdWriter>(etcd, options.leader_key, options.epoch, keys_.Commit())) {
    Claim();
  }
  ~Opening() override {
    *alive_ = false;
    loop_->Cancel(timer_);
  }

 private:
  void Claim() {
    writer_->Write({}, [this](const absl::Status& status) {
      if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) {
        return After(&Opening::Claim);
      }
      if (!status.ok()) return Finish(status);
      Read();
    });
  }

  void Read() {
    reader_ = std::make_unique<EtcdRecordReader>(keys_);
    page_ = EtcdPage();
    page_.from = options_.prefix;
    page_.end = options_.prefix.substr(0, options_.prefix.size() - 1) + '0';  // After the slash.
    page_.revision = writer_->revision();
    NextPage();
  }

  void NextPage() {
    etcd_->GetPage(page_, [this, alive = alive_](const absl::StatusOr<EtcdRange>& range) {
      if (*alive) Took(range);
    });
  }

  void Took(const absl::StatusOr<EtcdRange>& range) {
    if (absl::IsOutOfRange(range.status())) return After(&Opening::Claim);  // Compacted meanwhile.
    if (absl::IsResourceExhausted(range.status()))
      page_.limit = (page_.limit + 1) / 2;  // Too long.
    if (!range.ok()) return After(&Opening::NextPage);
    for (const EtcdEntry& entry : range->entries) {
      const absl::Status added = reader_->Add(entry);
      if (!added.ok()) return Finish(added);
    }
    if (range->more && !range->entries.empty()) {
      page_.from = range->entries.back().key + '\0';
      return NextPage();
    }
    std::vector<std::string> pieced;
    absl::StatusOr<StoredState> state = reader_->Finish(&pieced);
    if (!state.ok()) return Finish(state.status());
    state->epoch = options_.epoch;
    const EtcdStoreDone done = std::move(done_);
    done(std::make_unique<EtcdStore>(options_, loop_, std::move(writer_), *std::move(state),
                                     pieced));
  }

  void Finish(const absl::Status& status) {
    const EtcdStoreDone done = std::move(done_);
    done(status);
  }

  void After(void (Opening::*step)()) {
    timer_ = loop_->After(backoff_.Next(), [this, step] { (this->*step)(); });
  }

  const EtcdStoreOptions options_;
  const EtcdKeys keys_;
  EventLoop* const loop_;
  Etcd* const etcd_;
  EtcdStoreDone done_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Backoff backoff_;
  std::unique_ptr<EtcdWriter> writer_;
  std::unique_ptr<EtcdRecordReader> reader_;
  EtcdPage page_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace

std::unique_ptr<EtcdStream> OpenEtcdStore(const EtcdStoreOptions& options, EventLoop* loop,
                                          Etcd* etcd, EtcdStoreDone done) {
  return std::make_unique<Opening>(options, loop, etcd, std::move(done));
}

}  // namespace muster
