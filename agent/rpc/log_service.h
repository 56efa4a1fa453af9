#ifndef MUSTER_AGENT_RPC_LOG_SERVICE_H_
#define MUSTER_AGENT_RPC_LOG_SERVICE_H_

#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "muster/v1/log_service.grpc.pb.h"

namespace muster {

// LogService over Gangs: one OutputReactor per call. ReadLogs is a raw method, so that a frame's
// bytes are not copied into a message first. Must outlive the server.
class LogServiceRpc final
    : public v1::LogService::WithRawCallbackMethod_ReadLogs<v1::LogService::Service> {
 public:
  // Pointers must outlive this object.
  LogServiceRpc(EventLoop* loop, Gangs* gangs, OpenCalls* calls)
      : loop_(loop), gangs_(gangs), calls_(calls) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* ReadLogs(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request) override;

 private:
  EventLoop* const loop_;
  Gangs* const gangs_;
  OpenCalls* const calls_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_RPC_LOG_SERVICE_H_
