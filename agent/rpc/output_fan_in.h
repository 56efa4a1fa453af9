#ifndef MUSTER_AGENT_RPC_OUTPUT_FAN_IN_H_
#define MUSTER_AGENT_RPC_OUTPUT_FAN_IN_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/task/gangs.h"
#include "agent/task/output_log.h"
#include "muster/v1/log_service.pb.h"

namespace muster {

// One thing to tell a reader of logs: a piece of one stream, or that the stream has ended.
struct OutputFrame {
  std::string role;
  int rank = 0;
  bool is_stderr = false;
  OutputPiece piece;  // When not `end`.
  bool end = false;
  int64_t end_length = 0;  // When `end`.
};

// Many streams of one gang read as one: each stream in order, the streams in turn, one piece at a
// time, so that a talkative rank does not hide the others. Holds no data. Lives on the agent's
// loop.
class OutputFanIn {
 public:
  // `on_data` is called when Next() gave nothing and there may be something now; never from within
  // Next(). Errors: as LogService.ReadLogs. `gangs` is not kept.
  static absl::StatusOr<std::unique_ptr<OutputFanIn>> Open(Gangs* gangs,
                                                           const v1::ReadLogsRequest& request,
                                                           std::function<void()> on_data);

  // The next frame, or nothing for now. Errors of the disk end the read.
  absl::StatusOr<std::optional<OutputFrame>> Next();
  // Whether all was given that ever will be.
  bool Done() const { return open_ == 0; }

 private:
  struct Stream {
    std::string role;
    int rank = 0;
    bool is_stderr = false;
    std::unique_ptr<OutputReader> reader;  // Null once it is done.
    bool ready = false;                    // Is in ready_.
  };

  OutputFanIn(bool follow, std::function<void()> on_data)
      : follow_(follow), on_data_(std::move(on_data)) {}
  absl::Status Add(Gangs* gangs, const v1::ReadLogsRequest& request, const v1::LogCursor& cursor,
                   bool is_stderr);
  void Ready(size_t index);
  // One look at one stream.
  absl::StatusOr<std::optional<OutputFrame>> Take(Stream* stream);
  void Close(Stream* stream);

  const bool follow_;
  const std::function<void()> on_data_;
  std::vector<Stream> streams_;
  std::deque<size_t> ready_;  // Indices of streams that may have something, in turn.
  int open_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_RPC_OUTPUT_FAN_IN_H_
