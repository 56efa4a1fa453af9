#ifndef MUSTER_SCHEDULER_CORE_JOB_TABLE_H_
#define MUSTER_SCHEDULER_CORE_JOB_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/event_loop.h"
#include "common/base/past_moment.h"
#include "muster/v1/job_service.pb.h"
#include "scheduler/store/state_store.h"

namespace muster {

// One job: `record` is what the scheduler works on, `shown` what is durable, the only one that
// anybody outside sees.
struct JobEntry {
  JobRecord record;
  std::shared_ptr<const v1::Job> shown;  // Its BoundedView(). None until the submit is durable.
  bool dirty = false;                    // `record` has changed since the last commit was begun.
  bool writing = false;  // A commit is under way; the next waits for it and takes all changes.
  std::vector<std::function<void()>> waiting;  // For the next commit.
  std::optional<PastMoment> ended;             // Of a final job.
};

// All jobs, their way to the store, and who watches them. Lives on the loop.
class JobTable {
 public:
  // Pointers must outlive this object.
  JobTable(EventLoop* loop, StateStore* store);
  ~JobTable();

  // A job from the store.
  JobEntry* AddLoaded(const JobRecord& record);
  // A new one: visible, and `done` called, when it is durable. On an error it is gone again.
  JobEntry* Insert(const JobRecord& record, const RequestRecord& request,
                   std::function<void(const absl::Status&)> done);
  // The entry's record has changed: it is committed at the end of this turn of the loop, then shown
  // to the watchers, then `done` is called.
  void Save(JobEntry* entry, std::function<void()> done = nullptr);
  // Calls `done` when all that was saved before is durable.
  void AfterSaved(JobEntry* entry, std::function<void()> done);
  // Of final jobs.
  void Remove(const std::vector<std::string>& ids);

  // By whole id, shown or not; nullptr: no such job.
  JobEntry* Find(const std::string& id) const;
  // NOT_FOUND, or FAILED_PRECONDITION with the ids that the prefix fits.
  absl::StatusOr<JobEntry*> FindByPrefix(const std::string& prefix) const;
  // INVALID_ARGUMENT: a page token that is not ours.
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request) const;
  const std::map<std::string, std::unique_ptr<JobEntry>>& entries() const { return entries_; }

  // As Scheduler::Watch(): `on_change` is called from within with the job now.
  absl::StatusOr<uint64_t> Watch(const std::string& prefix,
                                 std::function<void(const v1::Job&)> on_change);
  void Unwatch(uint64_t watch);

 private:
  using WatchMap = std::map<uint64_t, std::shared_ptr<std::function<void(const v1::Job&)>>>;
  using AgeKey = std::pair<int64_t, std::string>;  // Submit time in ns, id.

  void CommitDirty();
  void OnCommitted(const std::string& id, std::shared_ptr<const v1::Job> job,
                   const std::vector<std::function<void()>>& waiting);
  void Show(JobEntry* entry, std::shared_ptr<const v1::Job> job);
  static AgeKey AgeOf(const v1::Job& job);

  EventLoop* const loop_;
  StateStore* const store_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<std::string, std::unique_ptr<JobEntry>> entries_;
  std::map<AgeKey, JobEntry*> by_age_;  // Those that are shown.
  std::vector<std::string> dirty_;
  bool commit_posted_ = false;
  uint64_t next_watch_ = 1;
  std::map<uint64_t, std::string> watch_jobs_;
  std::map<std::string, WatchMap> watches_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_JOB_TABLE_H_
