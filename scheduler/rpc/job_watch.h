#ifndef MUSTER_SCHEDULER_RPC_JOB_WATCH_H_
#define MUSTER_SCHEDULER_RPC_JOB_WATCH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "scheduler/core/scheduler.h"

namespace muster {

bool IsFinal(v1::JobState state);

// A watch on one job that ends with its owner. Lives on the loop.
class JobWatch {
 public:
  // `scheduler` must outlive this object.
  explicit JobWatch(Scheduler* scheduler) : scheduler_(scheduler) {}
  ~JobWatch() { Stop(); }
  JobWatch(const JobWatch&) = delete;
  JobWatch& operator=(const JobWatch&) = delete;

  // As Scheduler::Watch(); `on_change` may come from within, and may call Stop().
  absl::Status Start(const std::string& job_id, std::function<void(const v1::Job&)> on_change);
  void Stop();

 private:
  Scheduler* const scheduler_;
  uint64_t watch_ = 0;
  bool watching_ = false;
  bool stopped_ = false;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_JOB_WATCH_H_
