#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_TEE_PRINTER_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_TEE_PRINTER_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/event_loop.h"
#include "ctl/view/output.h"

namespace muster {

// What `--tee` shows of several workers on one stream: each line behind "[default0]:". Lines of
// different workers do not mix. A line that its worker does not finish (a prompt) is shown after a
// moment; what follows of it comes without a header. On the loop's thread.
class TeePrinter {
 public:
  // Pointers must outlive this object.
  TeePrinter(EventLoop* loop, Output* output);
  ~TeePrinter();

  // `label` is the worker's: "default0".
  void Print(const std::string& label, absl::string_view bytes);
  // Nothing more comes: unfinished lines are shown as they are. The rest of `output` is its owner's.
  void Finish();

 private:
  void ShowRest();
  void Begin(const std::string& label);
  void FlushSoon();

  EventLoop* const loop_;
  Output* const output_;
  std::map<std::string, std::string> rest_;  // Unfinished lines, by label.
  std::string open_;  // Whose unfinished line stands on the console; empty: nobody's.
  EventLoop::TimerId rest_timer_ = 0;
  EventLoop::TimerId flush_timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_TEE_PRINTER_H_
