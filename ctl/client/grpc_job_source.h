#ifndef MUSTER_CTL_CLIENT_GRPC_JOB_SOURCE_H_
#define MUSTER_CTL_CLIENT_GRPC_JOB_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "common/rpc/call_queue.h"
#include "common/rpc/credentials.h"
#include "ctl/client/channels.h"
#include "ctl/client/job_source.h"

namespace muster {

// A job behind an agent: the scheduler, or one that says who that is. Lives on the loop. Its
// destructor cancels what is under way.
class GrpcJobSource : public JobSource {
 public:
  // `loop` must outlive this object. UNAVAILABLE at once when nobody listens on a Unix socket.
  static absl::StatusOr<std::unique_ptr<GrpcJobSource>> Connect(const std::string& address,
                                                                const SecurityOptions& security,
                                                                absl::Duration timeout,
                                                                EventLoop* loop);
  ~GrpcJobSource() override;

  void Submit(const v1::SubmitJobRequest& request, JobDone done) override;
  void Cancel(const v1::CancelJobRequest& request, JobDone done) override;
  std::unique_ptr<SourceStream> Watch(const v1::WatchJobRequest& request, OnJob on_job,
                                      OnEnd on_end) override;
  std::unique_ptr<SourceStream> ReadLogs(const std::string& agent_address,
                                         const v1::ReadLogsRequest& request, OnLog on_log,
                                         OnEnd on_end) override;

 private:
  GrpcJobSource(std::string address, const SecurityOptions& security, absl::Duration timeout,
                EventLoop* loop);
  // `prepare` makes the call's reader from a stub and a context.
  template <typename Response, typename Prepare>
  void CallOnce(Prepare prepare, JobDone done, int redirects = 0);
  // What a call's end at `asked` says about where the scheduler is. Returns whether it is known to
  // be somewhere else.
  bool Learn(const std::string& asked, const absl::Status& status);

  const std::string address_;
  std::string scheduler_;  // Where it was last said to be.
  const absl::Duration timeout_;
  EventLoop* const loop_;
  Channels channels_;
  CallQueue calls_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_GRPC_JOB_SOURCE_H_
