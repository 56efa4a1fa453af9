#include "ctl/local/local_job_source.h"

#include <utility>

#include "agent/base_env.h"
#include "ctl/local/local_streams.h"

namespace muster {
namespace {

// The terminal's end of a stream: every word to it is a post to the engine's loop.
template <typename Stream>
class LocalHandle : public SourceStream {
 public:
  explicit LocalHandle(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {
    Post([](Stream* s) { s->Begin(); });
  }
  ~LocalHandle() override {
    stream_->Abandon();
    Post([](Stream* s) { s->Close(); });
  }
  void Next() override {
    Post([](Stream* s) { s->Wanted(); });
  }

 private:
  void Post(void (*call)(Stream*)) {
    stream_->engine()->loop()->Post([stream = stream_, call] { call(stream.get()); });
  }

  const std::shared_ptr<Stream> stream_;
};

}  // namespace

void LocalJobSource::Submit(const v1::SubmitJobRequest& request, JobDone done) {
  engine_->loop()->Post([engine = engine_, loop = loop_, request, done = std::move(done)] {
    engine->scheduler()->Submit(request, UserName(),
                                [loop, done](const absl::StatusOr<v1::Job>& job) {
                                  loop->Post([done, job] { done(job); });
                                });
  });
}

void LocalJobSource::Cancel(const v1::CancelJobRequest& request, JobDone done) {
  engine_->loop()->Post([engine = engine_, loop = loop_, request, done = std::move(done)] {
    engine->scheduler()->Cancel(request, [loop, done](const absl::StatusOr<v1::Job>& job) {
      loop->Post([done, job] { done(job); });
    });
  });
}

std::unique_ptr<SourceStream> LocalJobSource::Watch(const v1::WatchJobRequest& request,
                                                    OnJob on_job, OnEnd on_end) {
  return std::make_unique<LocalHandle<LocalWatch>>(std::make_shared<LocalWatch>(
      engine_, loop_, request.job_id(), std::move(on_job), std::move(on_end)));
}

std::unique_ptr<SourceStream> LocalJobSource::ReadLogs(const std::string& agent_address,
                                                       const v1::ReadLogsRequest& request,
                                                       OnLog on_log, OnEnd on_end) {
  return std::make_unique<LocalHandle<LocalLogs>>(
      std::make_shared<LocalLogs>(engine_, loop_, request, std::move(on_log), std::move(on_end)));
}

}  // namespace muster
