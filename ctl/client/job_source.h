#ifndef MUSTER_CTL_CLIENT_JOB_SOURCE_H_
#define MUSTER_CTL_CLIENT_JOB_SOURCE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "muster/v1/job_service.pb.h"
#include "muster/v1/log_service.pb.h"

namespace muster {

// One running stream. Destroying it cancels it, and no callback comes afterwards.
class SourceStream {
 public:
  virtual ~SourceStream() = default;
  // Asks for the next message: one comes per call, so that a slow terminal slows the sender and
  // piles up nothing here. The first message needs no call. A message lives as long as the callback
  // that brings it.
  virtual void Next() = 0;
};

// Where an attached command's job lives: behind an agent (GrpcJobSource), or in this process
// (LocalJobSource); a fake in tests. The same words as JobService and LogService. Lives on the
// loop: callbacks come on it, in order, and never from within the call that asked for them.
class JobSource {
 public:
  using JobDone = std::function<void(const absl::StatusOr<v1::Job>&)>;
  using OnEnd = std::function<void(const absl::Status&)>;
  using OnJob = std::function<void(const v1::WatchJobResponse&)>;
  using OnLog = std::function<void(const v1::ReadLogsResponse&)>;

  virtual ~JobSource() = default;
  virtual void Submit(const v1::SubmitJobRequest& request, JobDone done) = 0;
  virtual void Cancel(const v1::CancelJobRequest& request, JobDone done) = 0;
  virtual std::unique_ptr<SourceStream> Watch(const v1::WatchJobRequest& request, OnJob on_job,
                                              OnEnd on_end) = 0;
  // `agent_address` as in NodePlacement.
  virtual std::unique_ptr<SourceStream> ReadLogs(const std::string& agent_address,
                                                 const v1::ReadLogsRequest& request, OnLog on_log,
                                                 OnEnd on_end) = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_JOB_SOURCE_H_
