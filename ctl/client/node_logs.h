#ifndef MUSTER_CTL_CLIENT_NODE_LOGS_H_
#define MUSTER_CTL_CLIENT_NODE_LOGS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/client/cursor_book.h"
#include "ctl/client/job_source.h"
#include "ctl/client/reconnect.h"

namespace muster {

// Reads the output of one attempt's ranks on one host, every byte once, over restarts of that
// host's agent. Lives on the loop.
class NodeLogs {
 public:
  struct Callbacks {
    std::function<void(const v1::ReadLogsResponse&)> on_message;
    // The host has been silent for a second or so; it is tried on. Once a silence.
    std::function<void(const absl::Status&)> on_trouble;
    // All was read, or why it could not be. May destroy this object.
    std::function<void(const absl::Status&)> on_done;
  };
  // `source` and `loop` must outlive this object.
  NodeLogs(JobSource* source, EventLoop* loop, std::string agent_address,
           const CursorBook::Options& wanted, absl::Duration give_up_after, Callbacks callbacks);
  ~NodeLogs();

  // The attempt has begun to end, or never ran: a host that does not know it will not learn of it.
  void AttemptOver();
  // Why nothing has come since the last try; OK while the host is heard.
  const absl::Status& trouble() const { return trouble_; }

 private:
  void Open();
  void Received(const v1::ReadLogsResponse& message);
  void Ended(const absl::Status& status);
  void Done(const absl::Status& status);

  JobSource* const source_;
  EventLoop* const loop_;
  const std::string agent_address_;
  const Callbacks callbacks_;
  CursorBook book_;
  Reconnect reconnect_;
  std::unique_ptr<SourceStream> stream_;
  EventLoop::TimerId timer_ = 0;
  bool over_ = false;
  int unknown_since_over_ = 0;
  int damaged_ = 0;
  absl::Status trouble_;
  bool trouble_told_ = false;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_NODE_LOGS_H_
