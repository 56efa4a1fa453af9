#include "agent/shim/frame.h"

#include "agent/shim/codec.h"
#include "common/base/protocol.h"

namespace muster {
namespace {

uint32_t FrameCrc(uint32_t type, const char* payload, size_t size) {
  Encoder covered;
  covered.U32(type);
  covered.Raw(payload, size);
  return Crc32c(covered.bytes().data(), covered.bytes().size());
}

}  // namespace

std::string EncodeFrame(FrameType type, const std::string& payload) {
  Encoder out;
  out.U16(kFrameMajor);
  out.U16(static_cast<uint16_t>(OwnProtocol().minor));
  out.U32(static_cast<uint32_t>(payload.size()));
  out.U32(FrameCrc(static_cast<uint32_t>(type), payload.data(), payload.size()));
  out.U32(static_cast<uint32_t>(type));
  out.Raw(payload.data(), payload.size());
  return out.Take();
}

FrameReader::Result FrameReader::Next(Frame* frame) {
  if (!error_.empty()) return Result::kFailed;
  if (buffer_.size() - at_ < kFrameHeaderSize) {
    buffer_.erase(0, at_);
    at_ = 0;
    return Result::kNeedMore;
  }
  Decoder header(buffer_.data() + at_, kFrameHeaderSize);
  const uint16_t major = header.U16();
  header.U16();
  const uint32_t size = header.U32();
  const uint32_t crc = header.U32();
  const uint32_t type = header.U32();
  if (major != kFrameMajor) {
    return Fail("the peer speaks frame version " + std::to_string(major) + ", this one speaks " +
                std::to_string(kFrameMajor));
  }
  if (size > kMaxFramePayload) return Fail("a frame is damaged: its length is out of bounds");
  if (buffer_.size() - at_ < kFrameHeaderSize + size) return Result::kNeedMore;
  const char* payload = buffer_.data() + at_ + kFrameHeaderSize;
  if (crc != FrameCrc(type, payload, size)) return Fail("a frame is damaged: its CRC is wrong");
  frame->type = static_cast<FrameType>(type);
  frame->payload.assign(payload, size);
  at_ += kFrameHeaderSize + size;
  return Result::kFrame;
}

FrameReader::Result FrameReader::Fail(std::string error) {
  error_ = std::move(error);
  return Result::kFailed;
}

}  // namespace muster
