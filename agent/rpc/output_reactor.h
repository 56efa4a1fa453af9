#ifndef MUSTER_AGENT_RPC_OUTPUT_REACTOR_H_
#define MUSTER_AGENT_RPC_OUTPUT_REACTOR_H_

#include <memory>

#include "agent/rpc/output_fan_in.h"
#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "muster/v1/log_service.pb.h"

namespace muster {

// Serves one ReadLogs call. gRPC calls the On…() reactions on its own threads; each only posts to
// `loop`, where all state lives. Deletes itself when gRPC is done with it. Pointers must outlive
// it.
class OutputReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, public OpenCall {
 public:
  OutputReactor(EventLoop* loop, Gangs* gangs, OpenCalls* calls, v1::ReadLogsRequest request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // ABORTED at a shutdown: the reader goes on at its last offset elsewhere, or later.
  void End(const absl::Status& status) override;

 private:
  ~OutputReactor() override = default;
  void Open(Gangs* gangs, const v1::ReadLogsRequest& request);
  // Writes the next frame, when no write is in flight and there is one.
  void Pump();
  // Pump(), but not from within a reader, which Pump() may free.
  void PumpLater();
  // Frees the readers at once; Finish() exactly once, also after a cancel.
  void Close(const absl::Status& status);

  EventLoop* const loop_;
  OpenCalls* const calls_;
  std::unique_ptr<OutputFanIn> fan_in_;
  grpc::ByteBuffer frame_;  // Belongs to gRPC while `writing_`.
  bool writing_ = false;
  bool pump_posted_ = false;
  bool closed_ = false;
};

}  // namespace muster

#endif  // MUSTER_AGENT_RPC_OUTPUT_REACTOR_H_
