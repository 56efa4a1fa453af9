#ifndef MUSTER_AGENT_RPC_OUTPUT_FRAME_CODEC_H_
#define MUSTER_AGENT_RPC_OUTPUT_FRAME_CODEC_H_

#include "agent/rpc/output_fan_in.h"
#include "grpcpp/support/byte_buffer.h"

namespace muster {

// The bytes of one v1.ReadLogsResponse, made without a copy of the log's bytes: they are one slice,
// the fields around them another. A stalled reader so costs one frame, not one frame and its
// message.
grpc::ByteBuffer EncodeOutputFrame(OutputFrame frame);

}  // namespace muster

#endif  // MUSTER_AGENT_RPC_OUTPUT_FRAME_CODEC_H_
