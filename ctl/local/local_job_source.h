#ifndef MUSTER_CTL_LOCAL_LOCAL_JOB_SOURCE_H_
#define MUSTER_CTL_LOCAL_LOCAL_JOB_SOURCE_H_

#include <memory>
#include <string>

#include "common/base/event_loop.h"
#include "ctl/client/job_source.h"
#include "ctl/local/local_engine.h"

namespace muster {

// A job in this process. Lives on the terminal's loop and talks to the engine's by posts, one
// message at a time, like the streams of an agent.
class LocalJobSource : public JobSource {
 public:
  // `engine` must outlive this object, and `loop` the engine: its thread may answer until it ends.
  LocalJobSource(LocalEngine* engine, EventLoop* loop) : engine_(engine), loop_(loop) {}

  void Submit(const v1::SubmitJobRequest& request, JobDone done) override;
  void Cancel(const v1::CancelJobRequest& request, JobDone done) override;
  std::unique_ptr<SourceStream> Watch(const v1::WatchJobRequest& request, OnJob on_job,
                                      OnEnd on_end) override;
  std::unique_ptr<SourceStream> ReadLogs(const std::string& agent_address,
                                         const v1::ReadLogsRequest& request, OnLog on_log,
                                         OnEnd on_end) override;

 private:
  LocalEngine* const engine_;
  EventLoop* const loop_;
};

}  // namespace muster

#endif  // MUSTER_CTL_LOCAL_LOCAL_JOB_SOURCE_H_
