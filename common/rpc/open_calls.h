#ifndef MUSTER_COMMON_RPC_OPEN_CALLS_H_
#define MUSTER_COMMON_RPC_OPEN_CALLS_H_

#include <set>

#include "absl/status/status.h"
#include "common/base/event_loop.h"

namespace muster {

// A call that lasts: a stream, or one that waits for something to happen.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // Ends the call from the server's side. Comes on the loop; may remove the call from its set.
  virtual void End(const absl::Status& status) = 0;
};

// All calls of one server that last, so that a graceful shutdown can end them; gRPC's own would
// wait for them. Lives on the loop; must outlive the server.
class OpenCalls {
 public:
  explicit OpenCalls(EventLoop* loop) : loop_(loop) {}  // `loop` must outlive this object.

  // False once EndAll() was called: the caller ends the call with status().
  bool Add(OpenCall* call);
  void Remove(OpenCall* call);
  // Ends every call with `status`, and lets no more in.
  void EndAll(const absl::Status& status);
  // Lets calls in again.
  void Reopen() { status_ = absl::OkStatus(); }

  // With what EndAll() was called; OK while calls are let in.
  const absl::Status& status() const { return status_; }
  size_t size() const { return calls_.size(); }
  EventLoop* loop() const { return loop_; }

 private:
  EventLoop* const loop_;
  absl::Status status_;
  std::set<OpenCall*> calls_;
};

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_OPEN_CALLS_H_
