#ifndef MUSTER_TESTS_SCHEDULER_STORE_STORE_RIG_H_
#define MUSTER_TESTS_SCHEDULER_STORE_STORE_RIG_H_

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "common/base/event_loop.h"
#include "scheduler/store/state_store.h"

namespace muster {

// A store of one kind on a loop with a thread of its own; calls wait for their answers. What is
// stored outlives Reopen(), but not the rig.
class StoreRig {
 public:
  virtual ~StoreRig() = default;

  // Ends the store and opens it again.
  absl::StatusOr<StoredState> Reopen();
  // The answer comes later, and is got by get().
  std::future<absl::Status> Begin(StateBatch batch);
  absl::Status Commit(StateBatch batch) { return Begin(std::move(batch)).get(); }
  void OnLoop(EventLoop::Task task) { thread_.Call(std::move(task)); }

 protected:
  using Opened = std::function<void(absl::StatusOr<std::unique_ptr<StateStore>>)>;
  // On the loop; `opened` is called there, now or later.
  virtual void Open(Opened opened) = 0;
  EventLoop* loop() { return thread_.loop(); }
  // Subclasses end the store while all that it needs is still there.
  void End();

 private:
  LoopThread thread_;
  std::unique_ptr<StateStore> store_;
};

// Null: not to be had on this machine.
std::unique_ptr<StoreRig> MakeMemoryRig();
std::unique_ptr<StoreRig> MakeSqliteRig();
std::unique_ptr<StoreRig> MakeFakeEtcdRig();
std::unique_ptr<StoreRig> MakeRealEtcdRig();

// A queued job whose reason has `payload` bytes.
JobRecord MakeRecord(const std::string& id, size_t payload = 0);
StateBatch Put(const JobRecord& record);

}  // namespace muster

#endif  // MUSTER_TESTS_SCHEDULER_STORE_STORE_RIG_H_
