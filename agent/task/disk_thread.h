#ifndef MUSTER_AGENT_TASK_DISK_THREAD_H_
#define MUSTER_AGENT_TASK_DISK_THREAD_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/event_loop.h"
#include "common/base/mutex.h"

namespace muster {

// Does what may wait for a disk, on a thread of its own, for one loop. Jobs run in order. All that
// are queued when the thread gets to them form one group: their work is done one after another, the
// directories that they name are synced once each, then their `done`s are posted to the loop.
//
// After a failed fsync the kernel may have dropped the data and say so only once. So nothing is
// tried again: every later job that wants to be durable fails with DATA_LOSS, and the owner is told
// once, to end the process and begin anew with what is really on the disk.
//
// The destructor runs what is queued, without its `done`s. `loop` must outlive this object.
class DiskThread {
 public:
  // Runs on the disk thread. Returns the directories that must be synced before `done`. DATA_LOSS
  // says that an fsync of its own has failed.
  using Work = std::function<absl::StatusOr<std::vector<std::string>>()>;
  using Done = std::function<void(const absl::Status&)>;

  // `durable` off: directories are not synced. `on_broken` comes on the loop after the first failed
  // fsync, when its job has been told; it may be null.
  DiskThread(EventLoop* loop, bool durable, Done on_broken = nullptr);
  ~DiskThread();
  DiskThread(const DiskThread&) = delete;
  DiskThread& operator=(const DiskThread&) = delete;

  // Queues `work`. `done` comes on the loop, unless this object is gone by then; it may be null.
  // From the loop only.
  void RunDurably(Work work, Done done);
  // As RunDurably, for work that needs no sync after it.
  void Run(std::function<absl::Status()> work, Done done);

 private:
  struct Job {
    Work work;
    Done done;
    absl::StatusOr<std::vector<std::string>> result = std::vector<std::string>();
  };

  void Loop();
  // Fills in the results of `jobs`, directories synced.
  void RunGroup(std::vector<Job>* jobs);
  absl::Status Sync(const std::string& dir);
  void Break(const absl::Status& cause);

  EventLoop* const loop_;
  const bool durable_;
  const Done on_broken_;
  std::shared_ptr<bool> alive_;  // Read and written on the loop only.
  absl::Status broken_;          // The disk thread's. The first failed fsync.
  bool told_ = false;            // The disk thread's. `on_broken` was posted.

  Mutex mutex_;
  CondVar wake_;
  std::vector<Job> queue_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_DISK_THREAD_H_
