#ifndef MUSTER_AGENT_RPC_NODE_STREAM_H_
#define MUSTER_AGENT_RPC_NODE_STREAM_H_

#include <memory>

#include "absl/status/status.h"
#include "agent/link/scheduler_link.h"
#include "common/base/event_loop.h"
#include "grpcpp/channel.h"

namespace muster {

// Opens a ConnectNode stream over `channel`. `loop` and `events` must outlive the stream.
std::unique_ptr<NodeStream> OpenNodeStream(const std::shared_ptr<grpc::Channel>& channel,
                                           EventLoop* loop, NodeStreamEvents* events);

// A stream that never came about, because of `status`.
std::unique_ptr<NodeStream> RefuseNodeStream(const absl::Status& status, EventLoop* loop,
                                             NodeStreamEvents* events);

}  // namespace muster

#endif  // MUSTER_AGENT_RPC_NODE_STREAM_H_
