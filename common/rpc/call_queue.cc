#include "common/rpc/call_queue.h"

#include <utility>

namespace muster {
namespace {

using Completion = std::function<void(bool ok)>;

}  // namespace

CallQueue::CallQueue(EventLoop* loop) : loop_(loop), thread_([this] { Run(); }) {}

CallQueue::~CallQueue() {
  for (grpc::ClientContext* context : open_) context->TryCancel();
  queue_.Shutdown();
  thread_.join();
}

void* CallQueue::Tag(Completion done) { return new Completion(std::move(done)); }

void CallQueue::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    const std::shared_ptr<Completion> done(static_cast<Completion*>(tag));
    loop_->Post([done, ok] { (*done)(ok); });
  }
}

}  // namespace muster
