#include "agent/rpc/output_frame_codec.h"

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/rpc/crc32c.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/support/slice.h"
#include "muster/v1/log_service.pb.h"

namespace muster {
namespace {

using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedOutputStream;

template <typename Message>
void Name(const OutputFrame& frame, Message* message) {
  message->set_role(frame.role);
  message->set_rank(frame.rank);
  message->set_stream(frame.is_stderr ? v1::OUTPUT_STREAM_STDERR : v1::OUTPUT_STREAM_STDOUT);
}

grpc::ByteBuffer BufferOf(const v1::ReadLogsResponse& response) {
  const grpc::Slice slice(response.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// Appends the tag and the length of a field whose bytes follow.
void AppendHead(int field, size_t length, std::string* out) {
  uint8_t head[2 * 5];
  uint8_t* end = CodedOutputStream::WriteTagToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), head);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(length), end);
  out->append(reinterpret_cast<const char*>(head), end - head);
}

// A slice that owns `data` without copying it.
grpc::Slice Own(std::string data) {
  auto* const owned = new std::string(std::move(data));
  return grpc::Slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); },
      owned);
}

grpc::ByteBuffer EncodeChunk(OutputFrame frame) {
  v1::LogChunk chunk;
  Name(frame, &chunk);
  chunk.set_offset(frame.piece.offset);
  chunk.set_crc32c(Crc32c(frame.piece.data));
  chunk.set_time_ns(absl::ToUnixNanos(frame.piece.time));
  // Fields may come in any order: `data` comes last here, so that its slice ends the message.
  std::string fields = chunk.SerializeAsString();
  AppendHead(v1::LogChunk::kDataFieldNumber, frame.piece.data.size(), &fields);
  std::string head;
  AppendHead(v1::ReadLogsResponse::kChunkFieldNumber, fields.size() + frame.piece.data.size(),
             &head);
  const grpc::Slice slices[] = {grpc::Slice(head + fields), Own(std::move(frame.piece.data))};
  return grpc::ByteBuffer(slices, 2);
}

}  // namespace

grpc::ByteBuffer EncodeOutputFrame(OutputFrame frame) {
  v1::ReadLogsResponse response;
  if (frame.end) {
    Name(frame, response.mutable_end());
    response.mutable_end()->set_length(frame.end_length);
    return BufferOf(response);
  }
  if (frame.piece.gap_length > 0) {
    Name(frame, response.mutable_gap());
    response.mutable_gap()->set_offset(frame.piece.offset);
    response.mutable_gap()->set_length(frame.piece.gap_length);
    response.mutable_gap()->set_reason(frame.piece.gap_reason);
    return BufferOf(response);
  }
  return EncodeChunk(std::move(frame));
}

}  // namespace muster
