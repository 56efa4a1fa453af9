#ifndef MUSTER_CTL_FRONTEND_MSRUN_CONSOLE_H_
#define MUSTER_CTL_FRONTEND_MSRUN_CONSOLE_H_

#include <unistd.h>

#include "absl/strings/string_view.h"
#include "ctl/frontend/msrun/logger.h"
#include "ctl/view/output.h"

namespace muster {

// What msrun says: plain text and its workers' output on stdout, logger lines on stderr. While the
// job runs nothing here waits for a reader that stands still (Ctrl-S, a pager): a worker's failure
// must be dealt with all the same. At the end it is waited for until `interrupt_fd` is readable.
class MsrunConsole {
 public:
  MsrunConsole(MsLevel level, int interrupt_fd)
      : level_(level), out_(STDOUT_FILENO, interrupt_fd), err_(STDERR_FILENO, interrupt_fd) {}
  ~MsrunConsole();

  void Print(absl::string_view text);
  void Log(MsLevel level, absl::string_view text, const char* file = __builtin_FILE(),
           int line = __builtin_LINE());
  // A line of stderr without the logger's head.
  void PrintError(absl::string_view text);
  // Writes on what was said, as far as it is read; whether stdout takes more.
  bool Offer();
  // What is left goes nowhere.
  void Discard();

 private:
  const MsLevel level_;
  Output out_;
  Output err_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_CONSOLE_H_
