#ifndef MUSTER_CTL_CLIENT_STREAM_REACTOR_H_
#define MUSTER_CTL_CLIENT_STREAM_REACTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/event_loop.h"
#include "ctl/client/job_source.h"
#include "ctl/client/open_reactors.h"
#include "ctl/client/rpc_error.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace muster {

// One server stream, read a message at a time. gRPC calls the On…() reactions on its own threads;
// they post to the loop, where the callbacks live. A hold keeps the call open between reads,
// because StartRead() comes from outside the reactions. Whether a read is under way is shared by
// both sides: the hold must go exactly once, even when the loop has stopped running.
template <typename Response>
class StreamReactor : public grpc::ClientReadReactor<Response>,
                      public std::enable_shared_from_this<StreamReactor<Response>> {
 public:
  using OnMessage = std::function<void(const Response&)>;

  // `loop` and `open` must outlive the call.
  StreamReactor(EventLoop* loop, OpenReactors* open, std::string address, OnMessage on_message,
                JobSource::OnEnd on_end)
      : loop_(loop),
        open_(open),
        address_(std::move(address)),
        on_message_(std::move(on_message)),
        on_end_(std::move(on_end)) {}

  grpc::ClientContext* context() { return &context_; }

  // Once the stub's async method has bound this reactor.
  void Begin() {
    open_->Add();
    self_ = this->shared_from_this();
    this->AddHold();
    {
      absl::MutexLock lock(&mutex_);
      reading_ = true;
    }
    this->StartRead(&response_);
    this->StartCall();
  }

  // On the loop, after a message.
  void Next() {
    {
      absl::MutexLock lock(&mutex_);
      if (reading_ || released_) return;
      reading_ = true;
    }
    this->StartRead(&response_);
  }

  // On the loop: nobody listens any more.
  void Abandon() {
    on_message_ = nullptr;
    on_end_ = nullptr;
    context_.TryCancel();
    absl::MutexLock lock(&mutex_);
    abandoned_ = true;
    if (!reading_) Release();
  }

  void OnReadDone(bool ok) override {
    const std::shared_ptr<StreamReactor> self = this->shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      reading_ = false;  // Before the post: the loop may ask for the next message at once.
      if (!ok || abandoned_) Release();
    }
    if (ok) loop_->Post([self] { self->Deliver(); });
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<StreamReactor> self = std::move(self_);
    OpenReactors* const open = open_;
    loop_->Post([self, status] { self->End(status); });
    open->Remove();
  }

 private:
  void Deliver() {
    if (on_message_ == nullptr) return;
    const OnMessage on_message = on_message_;  // The handler may abandon this stream,
    Response message;                          // or ask for the next message while it reads this.
    message.Swap(&response_);
    on_message(message);
  }

  void End(const grpc::Status& status) {
    if (on_end_ == nullptr) return;
    const JobSource::OnEnd on_end = std::exchange(on_end_, nullptr);
    on_end(FromRpc(status, address_));
  }

  void Release() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(released_, true)) this->RemoveHold();
  }

  EventLoop* const loop_;
  OpenReactors* const open_;
  const std::string address_;
  grpc::ClientContext context_;
  std::shared_ptr<StreamReactor> self_;  // Until gRPC is done with it.

  // The loop's.
  OnMessage on_message_;
  JobSource::OnEnd on_end_;
  Response response_;  // gRPC's while a read is under way.

  absl::Mutex mutex_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
};

// The loop's end of a StreamReactor.
template <typename Response>
class StreamHandle : public SourceStream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamReactor<Response>> reactor)
      : reactor_(std::move(reactor)) {}
  ~StreamHandle() override { reactor_->Abandon(); }
  void Next() override { reactor_->Next(); }

 private:
  const std::shared_ptr<StreamReactor<Response>> reactor_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_STREAM_REACTOR_H_
