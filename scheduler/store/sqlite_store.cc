#include "scheduler/store/sqlite_store.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/backoff.h"
#include "common/base/failpoint.h"
#include "common/base/status.h"
#include "glog/logging.h"
#include "scheduler/store/space_reserve.h"
#include "scheduler/store/sqlite_db.h"

namespace muster {
namespace {

struct Entry {
  StateBatch batch;
  StateStore::Done done;
};
using Entries = std::vector<Entry>;

// See OpenSqliteStore(). Two threads: the loop collects, the writer writes. What is under "writer"
// below is touched on the writer's thread only.
class SqliteStore : public StateStore {
 public:
  SqliteStore(const SqliteStoreOptions& options, std::unique_ptr<SqliteDb> db, EventLoop* loop)
      : options_(options),
        loop_(loop),
        db_(std::move(db)),
        backoff_({options.first_retry, options.max_retry, /*jitter=*/0.0}),
        reserve_(ReserveOf(options)) {}

  ~SqliteStore() override {
    *alive_ = false;
    if (!collected_.empty()) Flush();
  }

  absl::StatusOr<StoredState> Load() override {
    absl::StatusOr<StoredState> state;
    writer_.Call([this, &state] {
      state = db_->Load();
      if (absl::IsResourceExhausted(state.status()) && reserve_.GiveUp()) state = db_->Load();
      if (state.ok()) TakeReserve();
    });
    return state;
  }

  void Commit(StateBatch batch, Done done) override {
    DCHECK(loop_->OnLoop());
    collected_.push_back({std::move(batch), std::move(done)});
    if (collected_.size() > 1) return;
    loop_->Post([this, alive = alive_] {
      if (*alive) Flush();
    });
  }

  absl::Status Full() const override { return full_; }

  static SpaceReserve ReserveOf(const SqliteStoreOptions& options) {
    return SpaceReserve(absl::StrCat(options.path, ".reserve"), options.reserve_bytes);
  }

 private:
  // Hands all commits of this turn to the writer.
  void Flush() {
    auto entries = std::make_shared<Entries>(std::move(collected_));
    collected_.clear();
    writer_.loop()->Post([this, entries] {
      for (Entry& entry : *entries) waiting_.push_back(std::move(entry));
      if (retry_ != 0) return RefuseNew();
      Write();
    });
  }

  // On the writer: all that waits, as one transaction.
  void Write() {
    retry_ = 0;
    if (dead_) return;
    // After the reserve was given up the disk is full until it has room for it again. Who asks for
    // something new may just have made it, and need not wait for the next look.
    if (!reserve_status_.ok() && AsksForNew()) TakeReserve();
    if (!reserve_status_.ok()) RefuseNew();
    if (waiting_.empty()) return;
    std::vector<const StateBatch*> batches;
    for (const Entry& entry : waiting_) {
      if (!entry.batch.empty()) batches.push_back(&entry.batch);
    }
    Failpoint("store_before_commit");
    const absl::Status status = batches.empty() ? absl::OkStatus() : db_->Apply(batches);
    if (absl::IsResourceExhausted(status)) return WaitForSpace(status);
    if (!status.ok()) return Die(status);
    Failpoint("store_after_commit");
    if (reserve_status_.ok()) EndFull();
    Entries answered;
    for (Entry& entry : waiting_) answered.push_back(std::move(entry));
    waiting_.clear();
    Answer(std::move(answered), absl::OkStatus());
    const absl::Status checkpoint = db_->Checkpoint();
    if (!checkpoint.ok()) Die(checkpoint);
  }

  void WaitForSpace(const absl::Status& status) {
    if (writer_full_.ok()) LOG(ERROR) << status.message();
    SetFull(status);
    RefuseNew();
    if (!waiting_.empty() && reserve_.GiveUp()) {
      reserve_status_ = status;
      LOG(WARNING) << "state store: its reserve of " << options_.reserve_bytes
                   << " bytes is used for the ends of jobs";
      LookForSpaceLater();
      return Write();
    }
    if (waiting_.empty()) return;  // Nothing to retry; the next commit tries again.
    retry_ = writer_.loop()->After(backoff_.Next(), [this] { Write(); });
  }

  // While the disk has no room for it nothing new is taken.
  void TakeReserve() {
    const bool given_up = !reserve_status_.ok();
    reserve_status_ = reserve_.Take();
    if (!reserve_status_.ok() && !absl::IsResourceExhausted(reserve_status_)) {
      LOG(WARNING) << "state store: goes without a reserve: " << reserve_status_.message();
      reserve_status_ = absl::OkStatus();
    }
    if (reserve_status_.ok()) return EndFull();
    if (!given_up) LOG(WARNING) << "state store: no reserve: " << reserve_status_.message();
    if (writer_full_.ok()) {
      SetFull(absl::ResourceExhaustedError(
          absl::StrCat("state file ", options_.path, ": the disk is full; free some space")));
    }
    LookForSpaceLater();
  }

  void LookForSpaceLater() {
    if (looking_) return;
    looking_ = true;
    writer_.loop()->After(backoff_.Next(), [this] {
      looking_ = false;
      if (!dead_ && !reserve_status_.ok()) TakeReserve();
    });
  }

  void EndFull() {
    if (writer_full_.ok()) return;
    LOG(INFO) << "state store: there is space again";
    SetFull(absl::OkStatus());
    backoff_.Reset();
  }

  bool AsksForNew() const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [](const Entry& entry) { return entry.batch.refuse_when_full; });
  }

  // Answers what need not wait for space. Barriers go on waiting, to keep the order.
  void RefuseNew() {
    Entries refused;
    std::deque<Entry> kept;
    for (Entry& entry : waiting_) {
      if (entry.batch.refuse_when_full) {
        refused.push_back(std::move(entry));
      } else {
        kept.push_back(std::move(entry));
      }
    }
    waiting_ = std::move(kept);
    Answer(std::move(refused), writer_full_);
  }

  void SetFull(const absl::Status& status) {
    writer_full_ = status;
    loop_->Post([this, alive = alive_, status] {
      if (*alive) full_ = status;
    });
  }

  void Answer(Entries entries, const absl::Status& status) {
    if (entries.empty()) return;
    auto answered = std::make_shared<Entries>(std::move(entries));
    loop_->Post([alive = alive_, answered, status] {
      for (Entry& entry : *answered) {
        if (*alive) entry.done(status);
      }
    });
  }

  void Die(const absl::Status& status) {
    dead_ = true;
    if (options_.on_fatal) return options_.on_fatal(status);
    LOG(FATAL) << status.message() << "; nothing more is acknowledged, restart to recover";
  }

  const SqliteStoreOptions options_;
  EventLoop* const loop_;
  // On the loop.
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Entries collected_;
  absl::Status full_;
  // On the writer.
  std::unique_ptr<SqliteDb> db_;
  Backoff backoff_;
  std::deque<Entry> waiting_;
  SpaceReserve reserve_;
  absl::Status reserve_status_;  // Not OK: the reserve is wanted, and the disk has no room for it.
  bool looking_ = false;         // For room for it, by a timer.
  absl::Status writer_full_;
  EventLoop::TimerId retry_ = 0;
  bool dead_ = false;

  LoopThread writer_;  // Goes first, and runs what was handed over before it does.
};

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                            EventLoop* loop) {
  absl::StatusOr<std::unique_ptr<SqliteDb>> db = SqliteDb::Open(options.path);
  if (absl::IsResourceExhausted(db.status()) && SqliteStore::ReserveOf(options).GiveUp()) {
    db = SqliteDb::Open(options.path);
  }
  if (!db.ok()) return db.status();
  (*db)->set_checkpoint_pages(options.checkpoint_pages);
  return std::make_unique<SqliteStore>(options, *std::move(db), loop);
}

}  // namespace muster
