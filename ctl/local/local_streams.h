#ifndef MUSTER_CTL_LOCAL_LOCAL_STREAMS_H_
#define MUSTER_CTL_LOCAL_LOCAL_STREAMS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "agent/rpc/output_fan_in.h"
#include "common/base/event_loop.h"
#include "ctl/client/job_source.h"
#include "ctl/local/local_engine.h"

namespace muster {

// What both kinds of stream share: messages go from the engine's loop to the terminal's, one per
// Next(). Begin(), Wanted() and Close() run on the engine's loop; the callbacks on the terminal's.
template <typename Message>
class LocalStream : public std::enable_shared_from_this<LocalStream<Message>> {
 public:
  using OnMessage = std::function<void(const Message&)>;

  LocalStream(LocalEngine* engine, EventLoop* loop, OnMessage on_message, JobSource::OnEnd on_end)
      : engine_(engine),
        loop_(loop),
        on_message_(std::move(on_message)),
        on_end_(std::move(on_end)) {}
  virtual ~LocalStream() = default;

  virtual void Begin() = 0;
  // The reader is ready for one more.
  virtual void Wanted() = 0;
  virtual void Close() = 0;

  // On the terminal's loop: nobody listens any more.
  void Abandon() {
    on_message_ = nullptr;
    on_end_ = nullptr;
  }
  LocalEngine* engine() { return engine_; }

 protected:
  void Send(Message message) {
    loop_->Post([self = this->shared_from_this(), message = std::move(message)] {
      const OnMessage on_message = self->on_message_;
      if (on_message != nullptr) on_message(message);
    });
  }
  void End(const absl::Status& status) {
    loop_->Post([self = this->shared_from_this(), status] {
      const JobSource::OnEnd on_end = std::exchange(self->on_end_, nullptr);
      if (on_end != nullptr) on_end(status);
    });
  }

 private:
  LocalEngine* const engine_;
  EventLoop* const loop_;
  OnMessage on_message_;     // The terminal's.
  JobSource::OnEnd on_end_;  // The terminal's.
};

// The states of one job; what changes while the reader is busy is folded.
class LocalWatch : public LocalStream<v1::WatchJobResponse> {
 public:
  LocalWatch(LocalEngine* engine, EventLoop* loop, std::string job_id, OnMessage on_message,
             JobSource::OnEnd on_end)
      : LocalStream(engine, loop, std::move(on_message), std::move(on_end)),
        job_id_(std::move(job_id)) {}

  void Begin() override;
  void Wanted() override;
  void Close() override;

 private:
  void Pump();

  const std::string job_id_;
  std::optional<uint64_t> watch_;
  std::optional<v1::Job> news_;
  bool wanted_ = true;
};

// The output of ranks, as LogService.ReadLogs gives it.
class LocalLogs : public LocalStream<v1::ReadLogsResponse> {
 public:
  LocalLogs(LocalEngine* engine, EventLoop* loop, v1::ReadLogsRequest request, OnMessage on_message,
            JobSource::OnEnd on_end)
      : LocalStream(engine, loop, std::move(on_message), std::move(on_end)),
        request_(std::move(request)) {}

  void Begin() override;
  void Wanted() override;
  void Close() override;

 private:
  void Pump();
  void PumpLater();

  const v1::ReadLogsRequest request_;
  std::unique_ptr<OutputFanIn> fan_in_;
  bool wanted_ = true;
  bool pump_posted_ = false;
};

}  // namespace muster

#endif  // MUSTER_CTL_LOCAL_LOCAL_STREAMS_H_
