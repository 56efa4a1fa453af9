#include "scheduler/core/job_table.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "glog/logging.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/job_view.h"

namespace muster {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
constexpr size_t kMaxPageBytes = size_t{2} << 20;  // A message may have 4 MiB.
constexpr size_t kMaxListedIds = 10;

bool Matches(const v1::ListJobsRequest& request, const v1::Job& job) {
  const auto& states = request.states();
  if (!states.empty() &&
      std::find(states.begin(), states.end(), job.status().state()) == states.end()) {
    return false;
  }
  return std::all_of(request.labels().begin(), request.labels().end(), [&job](const auto& label) {
    const auto it = job.spec().labels().find(label.first);
    return it != job.spec().labels().end() && it->second == label.second;
  });
}

// Lists are long, and placements and ranks are most of a job.
v1::Job WithoutOldAttempts(const v1::Job& job) {
  v1::Job slim = job;
  for (int i = 0; i + 1 < slim.status().attempts_size(); ++i) {
    slim.mutable_status()->mutable_attempts(i)->clear_placement();
    slim.mutable_status()->mutable_attempts(i)->clear_ranks();
  }
  return slim;
}

}  // namespace

JobTable::JobTable(EventLoop* loop, StateStore* store) : loop_(loop), store_(store) {}

JobTable::~JobTable() { *alive_ = false; }

JobEntry* JobTable::AddLoaded(const JobRecord& record) {
  auto entry = std::make_unique<JobEntry>();
  entry->record = record;
  JobEntry* const added = entry.get();
  entries_[record.job.id()] = std::move(entry);
  Show(added, std::make_shared<v1::Job>(record.job));
  return added;
}

JobEntry* JobTable::Insert(const JobRecord& record, const RequestRecord& request,
                           std::function<void(const absl::Status&)> done) {
  auto entry = std::make_unique<JobEntry>();
  entry->record = record;
  entry->record.job.mutable_status()->set_version(1);
  entry->writing = true;
  JobEntry* const added = entry.get();
  const std::string& id = record.job.id();
  entries_[id] = std::move(entry);
  StateBatch batch;
  batch.put_jobs.push_back(added->record);
  batch.put_requests.push_back(request);
  batch.refuse_when_full = true;
  store_->Commit(std::move(batch),
                 [this, alive = alive_, id, done = std::move(done)](const absl::Status& status) {
                   if (!*alive) return;
                   if (status.ok()) {
                     OnCommitted(id, std::make_shared<v1::Job>(entries_.at(id)->record.job), {});
                   } else {
                     entries_.erase(id);
                   }
                   done(status);
                 });
  return added;
}

void JobTable::Save(JobEntry* entry, std::function<void()> done) {
  if (done) entry->waiting.push_back(std::move(done));
  if (!std::exchange(entry->dirty, true)) dirty_.push_back(entry->record.job.id());
  if (std::exchange(commit_posted_, true)) return;
  loop_->Post([this, alive = alive_] {
    if (*alive) CommitDirty();
  });
}

void JobTable::AfterSaved(JobEntry* entry, std::function<void()> done) {
  if (entry->dirty) return entry->waiting.push_back(std::move(done));
  if (!entry->writing) return done();
  store_->Commit({}, [alive = alive_, done = std::move(done)](const absl::Status&) {
    if (*alive) done();
  });
}

void JobTable::CommitDirty() {
  commit_posted_ = false;
  const std::vector<std::string> ids = std::move(dirty_);
  dirty_.clear();
  for (const std::string& id : ids) {
    JobEntry* const entry = Find(id);
    if (entry == nullptr) continue;
    if (entry->writing) {  // OnCommitted() comes back to it.
      continue;
    }
    entry->dirty = false;
    entry->writing = true;
    v1::JobStatus* const status = entry->record.job.mutable_status();
    status->set_version(status->version() + 1);
    StateBatch batch;
    batch.put_jobs.push_back(entry->record);
    auto job = std::make_shared<const v1::Job>(entry->record.job);
    store_->Commit(std::move(batch), [this, alive = alive_, id, job = std::move(job),
                                      waiting = std::move(entry->waiting)](const absl::Status&) {
      if (*alive) OnCommitted(id, job, waiting);
    });
    entry->waiting.clear();
  }
}

void JobTable::OnCommitted(const std::string& id, std::shared_ptr<const v1::Job> job,
                           const std::vector<std::function<void()>>& waiting) {
  JobEntry* const entry = Find(id);
  CHECK(entry != nullptr) << id;  // Only final jobs are removed, and not while they are written.
  entry->writing = false;
  if (entry->dirty) {
    dirty_.push_back(id);
    if (!std::exchange(commit_posted_, true)) {
      loop_->Post([this, alive = alive_] {
        if (*alive) CommitDirty();
      });
    }
  }
  Show(entry, std::move(job));
  for (const std::function<void()>& done : waiting) done();
}

void JobTable::Show(JobEntry* entry, std::shared_ptr<const v1::Job> job) {
  by_age_[AgeOf(*job)] = entry;
  const std::shared_ptr<const v1::Job> shown = entry->shown = BoundedView(std::move(job));
  const auto it = watches_.find(shown->id());
  if (it == watches_.end()) return;
  const WatchMap watches = it->second;  // Some may end themselves, or others, from within.
  for (const auto& [watch, on_change] : watches) {
    if (watch_jobs_.count(watch) > 0) (*on_change)(*shown);
  }
}

void JobTable::Remove(const std::vector<std::string>& ids) {
  StateBatch batch;
  for (const std::string& id : ids) {
    JobEntry* const entry = Find(id);
    if (entry == nullptr || entry->dirty || entry->writing) continue;
    by_age_.erase(AgeOf(entry->record.job));
    entries_.erase(id);
    batch.remove_jobs.push_back(id);
  }
  if (!batch.empty()) store_->Commit(std::move(batch), [](const absl::Status&) {});
}

JobEntry* JobTable::Find(const std::string& id) const {
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : it->second.get();
}

absl::StatusOr<JobEntry*> JobTable::FindByPrefix(const std::string& prefix) const {
  JobEntry* const exact = Find(prefix);
  if (exact != nullptr && exact->shown != nullptr) return exact;
  std::vector<JobEntry*> found;
  if (!prefix.empty()) {
    for (auto it = entries_.lower_bound(prefix);
         it != entries_.end() && absl::StartsWith(it->first, prefix); ++it) {
      if (it->second->shown != nullptr) found.push_back(it->second.get());
    }
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    return WithDetail(absl::NotFoundError(absl::StrCat("job ", prefix, ": no such job")),
                      "NO_SUCH_JOB", "", "list the jobs there are with `msctl get jobs`");
  }
  std::vector<std::string> ids;
  for (const JobEntry* entry : found) {
    if (ids.size() < kMaxListedIds) ids.push_back(entry->shown->id());
  }
  const bool more = found.size() > ids.size();
  return WithDetail(absl::FailedPreconditionError(absl::StrCat(
                        "job ", prefix, ": ", found.size(),
                        " jobs begin so: ", absl::StrJoin(ids, ", "), more ? ", …" : "")),
                    "AMBIGUOUS_JOB", "", "give more of the id");
}

absl::StatusOr<v1::ListJobsResponse> JobTable::List(const v1::ListJobsRequest& request) const {
  const int page =
      request.page_size() <= 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
  auto it = by_age_.end();
  if (!request.page_token().empty()) {
    const size_t slash = request.page_token().find('/');
    int64_t age = 0;
    if (slash == std::string::npos ||
        !absl::SimpleAtoi(request.page_token().substr(0, slash), &age)) {
      return WithDetail(absl::InvalidArgumentError("page_token: not from an earlier page"),
                        "BAD_PAGE_TOKEN", "page_token", "begin again without one");
    }
    it = by_age_.lower_bound({age, request.page_token().substr(slash + 1)});
  }
  v1::ListJobsResponse response;
  AgeKey last;
  size_t bytes = 0;
  while (it != by_age_.begin()) {
    --it;
    if (!Matches(request, *it->second->shown)) continue;
    v1::Job slim = WithoutOldAttempts(*it->second->shown);
    bytes += slim.ByteSizeLong();
    const bool full = response.jobs_size() == page || bytes > kMaxPageBytes;
    if (full && response.jobs_size() > 0) {  // A job that is larger alone has a page of its own.
      response.set_next_page_token(absl::StrCat(last.first, "/", last.second));
      break;
    }
    *response.add_jobs() = std::move(slim);
    last = it->first;
  }
  return response;
}

absl::StatusOr<uint64_t> JobTable::Watch(const std::string& prefix,
                                         std::function<void(const v1::Job&)> on_change) {
  MUSTER_ASSIGN_OR_RETURN(JobEntry* const entry, FindByPrefix(prefix));
  const uint64_t watch = next_watch_++;
  const std::string id = entry->shown->id();
  auto shared = std::make_shared<std::function<void(const v1::Job&)>>(std::move(on_change));
  watch_jobs_[watch] = id;
  watches_[id][watch] = shared;
  const std::shared_ptr<const v1::Job> now = entry->shown;
  (*shared)(*now);
  return watch;
}

void JobTable::Unwatch(uint64_t watch) {
  const auto it = watch_jobs_.find(watch);
  if (it == watch_jobs_.end()) return;
  const auto job = watches_.find(it->second);
  job->second.erase(watch);
  if (job->second.empty()) watches_.erase(job);
  watch_jobs_.erase(it);
}

JobTable::AgeKey JobTable::AgeOf(const v1::Job& job) {
  return {absl::ToUnixNanos(FromTimestamp(job.status().submit_time())), job.id()};
}

}  // namespace muster
