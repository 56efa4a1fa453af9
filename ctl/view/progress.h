#ifndef MUSTER_CTL_VIEW_PROGRESS_H_
#define MUSTER_CTL_VIEW_PROGRESS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "ctl/view/output.h"
#include "ctl/view/terminal.h"
#include "muster/v1/job.pb.h"

namespace muster {

// The stage a job is in, in a line: "starting (5/8 ranks)", "queued: needs 8 nvidia devices, …".
std::string StageText(const v1::Job& job);

// Shows the stages of an attached job on stderr: one line that is drawn again on a terminal, else a
// dated line per change. Falls silent while it runs. Not thread-safe.
class Progress {
 public:
  // `quiet`: notices alone. Pointers must outlive this object.
  Progress(Output* err, const Terminal& terminal, const Clock* clock, bool quiet)
      : err_(err), terminal_(terminal), clock_(clock), quiet_(quiet) {}

  void OnJob(const v1::Job& job);
  // A line of its own.
  void Notice(absl::string_view text);
  // Takes the drawn line away, before something else is written to the terminal.
  void Clear();

 private:
  void Line(absl::string_view text);

  Output* const err_;
  const Terminal terminal_;
  const Clock* const clock_;
  const bool quiet_;
  std::string shown_;
  std::string stage_;  // The last one that has a line of its own.
  bool drawn_ = false;
};

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_PROGRESS_H_
