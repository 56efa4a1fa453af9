#ifndef MUSTER_CTL_CLIENT_STREAM_CALL_H_
#define MUSTER_CTL_CLIENT_STREAM_CALL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/rpc/call_queue.h"
#include "ctl/client/job_source.h"
#include "ctl/client/rpc_error.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"

namespace muster {

// One server stream. One message is read ahead, so that the wire and the terminal work side by
// side; further ones wait at the sender. Lives on the loop; the operation under way keeps it alive.
template <typename Response>
class StreamCall : public std::enable_shared_from_this<StreamCall<Response>> {
 public:
  using OnMessage = std::function<void(const Response&)>;
  using Reader = std::unique_ptr<grpc::ClientAsyncReader<Response>>;

  // `queue` must outlive the call.
  StreamCall(CallQueue* queue, std::string address, OnMessage on_message, JobSource::OnEnd on_end)
      : queue_(queue),
        address_(std::move(address)),
        on_message_(std::move(on_message)),
        on_end_(std::move(on_end)) {
    queue_->Add(&context_);
  }

  grpc::ClientContext* context() { return &context_; }

  // `reader` was prepared with context().
  void Begin(Reader reader) {
    reader_ = std::move(reader);
    busy_ = true;
    reader_->StartCall(Then([](StreamCall* self, bool ok) { ok ? self->Read() : self->Finish(); }));
  }
  void Next() {
    wanted_ = true;
    if (!held_.has_value() && !finished_) return;
    queue_->loop()->Post([self = this->shared_from_this()] { self->Pump(); });
  }
  // Nobody listens any more.
  void Abandon() {
    on_message_ = nullptr;
    on_end_ = nullptr;
    if (finishing_) return;
    context_.TryCancel();
    if (!busy_) Finish();
  }

 private:
  void* Then(void (*step)(StreamCall* self, bool ok)) {
    return CallQueue::Tag([self = this->shared_from_this(), step](bool ok) {
      self->busy_ = false;
      step(self.get(), ok);
    });
  }
  void Read() {
    busy_ = true;
    reader_->Read(&response_, Then([](StreamCall* self, bool ok) { self->HaveRead(ok); }));
  }
  void HaveRead(bool ok) {
    if (!ok || on_message_ == nullptr) return Finish();
    held_ = std::move(response_);
    Pump();
  }
  // Hands over what is there, if it is wanted.
  void Pump() {
    if (held_.has_value() && wanted_ && on_message_ != nullptr) {
      wanted_ = false;
      const Response message = *std::exchange(held_, std::nullopt);
      if (!busy_ && !finishing_) Read();
      const OnMessage on_message = on_message_;  // The handler may abandon this call.
      on_message(message);
    } else if (!held_.has_value() && finished_ && on_end_ != nullptr) {
      const JobSource::OnEnd on_end = std::exchange(on_end_, nullptr);
      on_end(FromRpc(status_, address_));
    }
  }
  void Finish() {
    if (std::exchange(finishing_, true)) return;
    busy_ = true;
    reader_->Finish(&status_, Then([](StreamCall* self, bool) { self->Finished(); }));
  }
  void Finished() {
    queue_->Remove(&context_);
    finished_ = true;
    Pump();
  }

  CallQueue* const queue_;
  const std::string address_;
  OnMessage on_message_;
  JobSource::OnEnd on_end_;
  grpc::ClientContext context_;
  Reader reader_;
  Response response_;             // gRPC's while a read is under way.
  std::optional<Response> held_;  // Read, and not yet asked for.
  grpc::Status status_;
  bool wanted_ = true;
  bool busy_ = false;  // An operation is under way.
  bool finishing_ = false;
  bool finished_ = false;
};

// What the reader of a StreamCall holds.
template <typename Response>
class StreamHandle : public SourceStream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamCall<Response>> call) : call_(std::move(call)) {}
  ~StreamHandle() override { call_->Abandon(); }
  void Next() override { call_->Next(); }

 private:
  const std::shared_ptr<StreamCall<Response>> call_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_STREAM_CALL_H_
