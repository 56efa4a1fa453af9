#ifndef MUSTER_CTL_FRONTEND_MSRUN_CONSOLE_H_
#define MUSTER_CTL_FRONTEND_MSRUN_CONSOLE_H_

#include <unistd.h>

#include "absl/strings/string_view.h"
#include "ctl/frontend/msrun/logger.h"
#include "ctl/view/output.h"

namespace muster {

// What msrun says: plain text and its workers' output on stdout, logger lines on stderr. A reader
// that stands still is not waited for once `interrupt_fd` is readable.
class MsrunConsole {
 public:
  MsrunConsole(MsLevel level, int interrupt_fd)
      : level_(level), out_(STDOUT_FILENO, interrupt_fd), err_(STDERR_FILENO, interrupt_fd) {}

  void Print(absl::string_view text);
  void Log(MsLevel level, absl::string_view text, const char* file = __builtin_FILE(),
           int line = __builtin_LINE());
  // A line of stderr without the logger's head.
  void PrintError(absl::string_view text);

 private:
  const MsLevel level_;
  Output out_;
  Output err_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_CONSOLE_H_
