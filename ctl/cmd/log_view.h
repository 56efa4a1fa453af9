#ifndef MUSTER_CTL_CMD_LOG_VIEW_H_
#define MUSTER_CTL_CMD_LOG_VIEW_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/event_loop.h"
#include "ctl/client/log_selection.h"
#include "ctl/cmd/session.h"
#include "ctl/view/log_printer.h"
#include "ctl/view/progress.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/log_service.pb.h"

namespace muster {

// The output of a followed job on the user's terminal: big buffers while much comes, written as
// soon as nothing more is at hand. Lives on the loop.
class LogView {
 public:
  struct Options {
    std::optional<bool> prefix;  // Unset: with more than one rank.
    bool timestamps = false;
  };
  // `on_broken`: the reader of stdout went away. Pointers must outlive this object.
  LogView(const Options& options, const LogSelection& selection, Session* session,
          Progress* progress, EventLoop* loop, std::function<void()> on_broken);

  // Output of `job`, of the attempt that is being read.
  void Print(const v1::Job& job, const v1::ReadLogsResponse& message);
  // All that was held back comes out.
  void Finish();
  // Writes what is buffered when nothing else is left to do.
  void FlushSoon();

 private:
  void Begin(const v1::Job& job);
  void Flush();

  const Options options_;
  const LogSelection selection_;
  Session* const session_;
  Progress* const progress_;
  EventLoop* const loop_;
  const std::function<void()> on_broken_;
  std::unique_ptr<LogPrinter> printer_;
  bool flush_posted_ = false;
  bool broken_ = false;
};

// "--prefix", "--timestamps", for every verb that shows logs.
std::vector<FlagSpec> LogViewFlags();
LogView::Options LogViewOptions(const Flags& flags);

}  // namespace muster

#endif  // MUSTER_CTL_CMD_LOG_VIEW_H_
