#ifndef MUSTER_TESTS_FAKES_RPC_RIG_H_
#define MUSTER_TESTS_FAKES_RPC_RIG_H_

#include <functional>
#include <memory>
#include <vector>

#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/channel.h"
#include "grpcpp/server.h"

namespace muster {

// A server in this process and a channel to it, with a loop on a thread of its own: real reactors
// over fake engines, without a socket.
class RpcRig {
 public:
  RpcRig() : calls_(loop_.loop()) {}
  ~RpcRig() { Stop(); }

  EventLoop* loop() { return loop_.loop(); }
  OpenCalls* calls() { return &calls_; }
  // Runs `task` on the loop, and waits for it.
  void OnLoop(EventLoop::Task task) { loop_.Call(std::move(task)); }
  // Waits until `condition`, which runs on the loop, holds. False after ten seconds.
  bool Await(const std::function<bool()>& condition);

  // Begins to serve; the services must outlive Stop().
  void Serve(const std::vector<grpc::Service*>& services);
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // Ends all calls and the server.
  void Stop();

 private:
  LoopThread loop_;
  OpenCalls calls_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_RPC_RIG_H_
