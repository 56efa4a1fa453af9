#include "ctl/frontend/paddle/copy_command.h"

#include "absl/strings/str_cat.h"
#include "ctl/view/shell_quote.h"

namespace muster {

std::string CopyCommandBlock(const FrontendCall& call, absl::string_view master) {
  const std::string rule(80, '-');
  // `program` may be two words, "msctl paddle-launch": as it was typed.
  const std::string command =
      absl::StrCat(call.program, " --master ", master, " ", ShellCommand(call.words));
  return absl::StrCat("Copy the following command to other nodes to run.\n", rule, "\n", command,
                      "\n", rule, "\n");
}

}  // namespace muster
