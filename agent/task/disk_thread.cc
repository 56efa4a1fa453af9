#include "agent/task/disk_thread.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "glog/logging.h"

namespace muster {

DiskThread::DiskThread(EventLoop* loop, bool durable, Done on_broken)
    : loop_(loop),
      durable_(durable),
      on_broken_(std::move(on_broken)),
      alive_(std::make_shared<bool>(true)),
      thread_([this] { Loop(); }) {}

DiskThread::~DiskThread() {
  DCHECK(loop_->OnLoop());
  *alive_ = false;
  {
    const MutexLock lock(&mutex_);
    stop_ = true;
    wake_.Signal();
  }
  thread_.join();
}

void DiskThread::RunDurably(Work work, Done done) {
  DCHECK(loop_->OnLoop());
  const MutexLock lock(&mutex_);
  queue_.push_back(Job{std::move(work), std::move(done)});
  wake_.Signal();
}

void DiskThread::Run(std::function<absl::Status()> work, Done done) {
  RunDurably(
      [work = std::move(work)]() -> absl::StatusOr<std::vector<std::string>> {
        const absl::Status status = work();
        if (!status.ok()) return status;
        return std::vector<std::string>();
      },
      std::move(done));
}

void DiskThread::Loop() {
  for (;;) {
    std::vector<Job> jobs;
    {
      const MutexLock lock(&mutex_);
      while (queue_.empty() && !stop_) wake_.Wait(&mutex_);
      if (queue_.empty()) return;
      jobs.swap(queue_);
    }
    RunGroup(&jobs);
    // One post for the group, so that the loop sees it whole and reports it once.
    loop_->Post([alive = alive_, jobs = std::make_shared<std::vector<Job>>(std::move(jobs))] {
      for (Job& job : *jobs) {
        if (!*alive) return;
        if (job.done) job.done(job.result.status());
      }
    });
    if (broken_.ok() || std::exchange(told_, true) || on_broken_ == nullptr) continue;
    loop_->Post([alive = alive_, on_broken = on_broken_, cause = broken_] {
      if (*alive) on_broken(cause);
    });
  }
}

void DiskThread::RunGroup(std::vector<Job>* jobs) {
  std::map<std::string, absl::Status> synced;
  for (Job& job : *jobs) {
    job.result = job.work();
    job.work = nullptr;
    if (absl::IsDataLoss(job.result.status())) Break(job.result.status());
    if (!job.result.ok() || !durable_) continue;
    for (const std::string& dir : *job.result) synced.emplace(dir, absl::OkStatus());
  }
  for (auto& [dir, status] : synced) status = Sync(dir);
  for (Job& job : *jobs) {
    if (!job.result.ok() || !durable_) continue;
    for (const std::string& dir : *job.result) {
      if (synced[dir].ok()) continue;
      job.result = synced[dir];
      break;
    }
  }
}

absl::Status DiskThread::Sync(const std::string& dir) {
  if (!broken_.ok()) return broken_;
  const absl::Status status = SyncDir(dir);
  if (!status.ok()) Break(status);
  return broken_;
}

void DiskThread::Break(const absl::Status& cause) {
  if (!broken_.ok()) return;
  broken_ = absl::DataLossError(
      absl::StrCat("state disk: ", cause.message(),
                   "; nothing more is promised, the next start reads what is really there"));
  LOG(ERROR) << broken_.message();
}

}  // namespace muster
