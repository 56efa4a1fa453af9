#ifndef MUSTER_TESTS_CTL_CLIENT_FAKE_JOB_SOURCE_H_
#define MUSTER_TESTS_CTL_CLIENT_FAKE_JOB_SOURCE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ctl/client/job_source.h"

namespace muster {

// Records what it is asked, and lets the test answer by hand. On the test's thread.
class FakeJobSource : public JobSource {
 public:
  // One stream, as the test sees it. `open` until its reader has let go of it.
  template <typename Request, typename Message>
  struct Stream {
    std::string address;
    Request request;
    std::function<void(const Message&)> on_message;
    OnEnd on_end;
    int nexts = 0;
    bool open = true;
  };
  using WatchStream = Stream<v1::WatchJobRequest, v1::WatchJobResponse>;
  using LogStream = Stream<v1::ReadLogsRequest, v1::ReadLogsResponse>;

  void Submit(const v1::SubmitJobRequest& request, JobDone done) override {
    submits.emplace_back(request, std::move(done));
  }
  void Cancel(const v1::CancelJobRequest& request, JobDone done) override {
    cancels.emplace_back(request, std::move(done));
  }
  std::unique_ptr<SourceStream> Watch(const v1::WatchJobRequest& request, OnJob on_job,
                                      OnEnd on_end) override {
    watches.push_back(std::make_shared<WatchStream>(
        WatchStream{"", request, std::move(on_job), std::move(on_end)}));
    return std::make_unique<Handle<WatchStream>>(watches.back());
  }
  std::unique_ptr<SourceStream> ReadLogs(const std::string& agent_address,
                                         const v1::ReadLogsRequest& request, OnLog on_log,
                                         OnEnd on_end) override {
    reads.push_back(std::make_shared<LogStream>(
        LogStream{agent_address, request, std::move(on_log), std::move(on_end)}));
    return std::make_unique<Handle<LogStream>>(reads.back());
  }

  // Answers of the last watch, and of the last read.
  void SendJob(const v1::Job& job) {
    v1::WatchJobResponse response;
    *response.mutable_job() = job;
    const auto stream = watches.back();
    if (stream->open) stream->on_message(response);
  }
  void SendLog(const v1::ReadLogsResponse& message) { SendLog(reads.size() - 1, message); }
  void SendLog(size_t read, const v1::ReadLogsResponse& message) {
    const auto stream = reads[read];
    if (stream->open) stream->on_message(message);
  }
  void EndWatch(const absl::Status& status) { EndOf(watches.back(), status); }
  void EndLog(const absl::Status& status) { EndOf(reads.back(), status); }
  void EndLog(size_t read, const absl::Status& status) { EndOf(reads[read], status); }

  std::vector<std::pair<v1::SubmitJobRequest, JobDone>> submits;
  std::vector<std::pair<v1::CancelJobRequest, JobDone>> cancels;
  std::vector<std::shared_ptr<WatchStream>> watches;
  std::vector<std::shared_ptr<LogStream>> reads;

 private:
  template <typename S>
  class Handle : public SourceStream {
   public:
    explicit Handle(std::shared_ptr<S> stream) : stream_(std::move(stream)) {}
    ~Handle() override { stream_->open = false; }
    void Next() override { ++stream_->nexts; }

   private:
    const std::shared_ptr<S> stream_;
  };

  template <typename S>
  static void EndOf(const std::shared_ptr<S>& stream, const absl::Status& status) {
    if (!stream->open) return;
    const OnEnd on_end = stream->on_end;
    on_end(status);
  }
};

}  // namespace muster

#endif  // MUSTER_TESTS_CTL_CLIENT_FAKE_JOB_SOURCE_H_
