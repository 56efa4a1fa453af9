#ifndef MUSTER_AGENT_TASK_OUTPUT_LOG_H_
#define MUSTER_AGENT_TASK_OUTPUT_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace muster {

// Bytes that a reader gets next, or a hole where they were.
struct OutputPiece {
  int64_t offset = 0;      // Of the first byte, from the start of the stream.
  std::string data;        // At most 64 KiB; empty for a gap.
  int64_t gap_length = 0;  // > 0: this many bytes no longer exist.
  std::string gap_reason;
  absl::Time time;  // When the host took the first byte, to the grain of the index.
};

// One position in one stream of one rank. Reads files as they grow; holds no data. Lives on the
// agent's loop.
class OutputReader {
 public:
  virtual ~OutputReader() = default;
  // The next piece, or nothing when all that exists has been read. Errors of the disk end the read.
  virtual absl::StatusOr<std::optional<OutputPiece>> Next() = 0;
  // Whether the stream has ended and all of it was read.
  virtual bool AtEnd() const = 0;
  // Of the next byte.
  virtual int64_t offset() const = 0;
};

// One stream (stdout or stderr) of one rank in one attempt: written by msshim, read here by any
// number of readers. Lives on the agent's loop.
class OutputLog {
 public:
  virtual ~OutputLog() = default;
  // Bytes so far.
  virtual int64_t length() const = 0;
  // Whether `length` is final.
  virtual bool ended() const = 0;
  // Begins at `offset`; negative: so many bytes before the present end, but not before the start.
  // `on_data` is called when there may be something new after Next() gave nothing, or the stream
  // has ended; never from within Next(). OUT_OF_RANGE: past the end of an ended stream.
  virtual absl::StatusOr<std::unique_ptr<OutputReader>> Read(int64_t offset,
                                                             std::function<void()> on_data) = 0;
  // Offset at which the last `lines` lines begin, as of now.
  virtual absl::StatusOr<int64_t> OffsetOfLastLines(int lines) = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_OUTPUT_LOG_H_
