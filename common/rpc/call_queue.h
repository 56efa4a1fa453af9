#ifndef MUSTER_COMMON_RPC_CALL_QUEUE_H_
#define MUSTER_COMMON_RPC_CALL_QUEUE_H_

#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "common/base/event_loop.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"

namespace muster {

// The completion queue of this process's asynchronous calls, and the thread that waits at it: each
// completion becomes a task of the loop, where all state of the calls lives. Not gRPC's callback
// API: in 1.51 its client threads sleep up to 100 ms between two looks.
//
// Lives on the loop. Its destructor cancels what is still open and waits for it.
class CallQueue {
 public:
  explicit CallQueue(EventLoop* loop);  // `loop` must outlive this object.
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  grpc::CompletionQueue* queue() { return &queue_; }
  EventLoop* loop() { return loop_; }
  // The tag of one operation. `done` runs once, on the loop, and keeps alive what it captures.
  static void* Tag(std::function<void(bool ok)> done);

  // Calls that are to be cancelled at the end.
  void Add(grpc::ClientContext* context) { open_.insert(context); }
  void Remove(grpc::ClientContext* context) { open_.erase(context); }

 private:
  void Run();

  EventLoop* const loop_;
  grpc::CompletionQueue queue_;
  std::set<grpc::ClientContext*> open_;
  std::thread thread_;
};

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_CALL_QUEUE_H_
