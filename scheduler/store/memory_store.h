#ifndef MUSTER_SCHEDULER_STORE_MEMORY_STORE_H_
#define MUSTER_SCHEDULER_STORE_MEMORY_STORE_H_

#include <deque>
#include <map>
#include <string>

#include "common/base/event_loop.h"
#include "scheduler/store/state_store.h"

namespace muster {

// A store that lives as long as its object: of the engine of `msctl run --local`, whose jobs are
// not meant to outlive it, and of tests, for which it can hold commits back, be full, and be handed
// from one scheduler to the next as a disk is. Lives on the loop.
class MemoryStore : public StateStore {
 public:
  explicit MemoryStore(EventLoop* loop) : loop_(loop) {}  // Must outlive this object.

  absl::StatusOr<StoredState> Load() override;
  void Commit(StateBatch batch, Done done) override;
  absl::Status Full() const override;

  // These are for tests. While held, commits wait; without, they are done in the next turn of the
  // loop.
  void Hold(bool hold);
  // Drops what waits, as a crash does; the `done` of those are never called.
  void Crash();
  void SetFull(bool full);
  int commits() const { return commits_; }

 private:
  struct Waiting {
    StateBatch batch;
    Done done;
  };
  void Flush();
  void Apply(const StateBatch& batch);

  EventLoop* const loop_;
  std::map<std::string, JobRecord> jobs_;
  std::map<std::string, RequestRecord> requests_;
  std::map<std::string, NodeRecord> nodes_;
  int64_t epoch_ = 0;
  std::deque<Waiting> waiting_;
  bool held_ = false;
  bool full_ = false;
  bool flushing_ = false;
  int commits_ = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_MEMORY_STORE_H_
