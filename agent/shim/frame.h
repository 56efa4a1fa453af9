// Frames between msshim and the agent, over a Unix stream socket. No Abseil: both ends use it.
//
//   u16 major  u16 minor  u32 length  u32 crc  u32 type  then `length` bytes of payload
//
// All little-endian; the CRC-32C covers type and payload. A peer of another major is refused. A
// minor adds types, which an older peer skips, and fields at the end of a payload, which it does
// not read: so N and N-1 interoperate for as long as a gang runs. Each end speaks first with its
// hello.
#ifndef MUSTER_AGENT_SHIM_FRAME_H_
#define MUSTER_AGENT_SHIM_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace muster {

inline constexpr uint16_t kFrameMajor = 1;  // The minor is that of OwnProtocol().
inline constexpr size_t kFrameHeaderSize = 16;
inline constexpr size_t kMaxFramePayload = 64 << 10;
inline constexpr size_t kMaxDescriptorsPerFrame = 253;  // The kernel's SCM_MAX_FD.

enum class FrameType : uint32_t {
  // From the shim. After kHello every connect replays all starts, exits and lengths.
  kHello = 1,        // i32 pid, i32 rank count, text: the shim's program.
  kStarted = 2,      // A journal record (exit_journal.h).
  kExit = 3,         // A journal record.
  kGrew = 4,         // i32 index, bool is_stderr, i64 length.
  kDescriptors = 5,  // u32 count, count × {i32 index, i32 restart, u8 DescriptorKind}; as many
                     // descriptors ride on the message (SCM_RIGHTS).
  kPipeClosed = 6,   // i32 index, bool is_stderr: nothing more can come from this pipe.
  kFinished = 7,     // Nothing.
  kFailed = 8,       // u8 ShimFailure, text: why this shim does not run the gang.
  // From the agent.
  kAgentHello = 32,  // Nothing. After a takeover's kAdopt frames: that was all.
  kStop = 33,        // i64 grace in milliseconds.
  kRestart = 34,     // i32 index, i32 restart.
  kSubscribe = 35,   // i32 index, bool is_stderr, bool on.
  kAdopt = 36,       // As kDescriptors, the other way: what a dead shim had left with its client.
  kReaped = 37,      // i32 index, i32 restart, i32 wait status: the agent was the rank's reaper.
  // Minor 1. i64 epoch, i64 until (CLOCK_BOOTTIME, ns; 0: for ever), i64 grace in milliseconds.
  kLease = 38,
};

enum class DescriptorKind : uint8_t { kOut = 1, kErr = 2, kPidfd = 3 };
enum class ShimFailure : uint8_t { kOther = 1, kLocked = 2 };

struct Frame {
  FrameType type = FrameType::kHello;
  std::string payload;
};

std::string EncodeFrame(FrameType type, const std::string& payload);

// Cuts a byte stream into frames. Once it has failed it stays so: the stream has no frame boundary
// to continue at.
class FrameReader {
 public:
  enum class Result { kFrame, kNeedMore, kFailed };

  void Append(const char* data, size_t size) { buffer_.append(data, size); }
  // kFailed: error() says whether the peer is damaged or of another major version.
  Result Next(Frame* frame);
  const std::string& error() const { return error_; }

 private:
  Result Fail(std::string error);

  std::string buffer_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_FRAME_H_
