// msctl: the client. Words become an invocation, the verb runs, its error becomes text and a code.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "ctl/cli/command.h"
#include "ctl/cli/exit_code.h"
#include "ctl/cli/help.h"
#include "ctl/client/address.h"
#include "ctl/cmd/commands.h"
#include "ctl/frontend/frontend.h"
#include "ctl/view/error_text.h"
#include "ctl/view/output.h"
#include "ctl/view/terminal.h"
#include "glog/logging.h"
#include "grpc/support/log.h"

namespace muster {
namespace {

int Fail(const absl::Status& status, const Flags& flags) {
  const int code = ExitCodeFor(status);
  const bool raw = flags.Bool("debug") || !GetEnv("MSCTL_DEBUG").empty();
  const Terminal terminal = DetectTerminal(STDERR_FILENO, flags.String("color"), GetEnv);
  Output(STDERR_FILENO).Write(ErrorText(status, terminal, raw));
  if (flags.String("output") == "json") Output(STDOUT_FILENO).Write(ErrorJson(status, code));
  return code;
}

// A standard stream that is closed (`>&-`) would be the next file that is opened here.
void OpenStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);  // The lowest free number: `fd`.
  }
}

int Main(const std::string& program, const std::vector<std::string>& words) {
  std::signal(SIGPIPE, SIG_IGN);  // A reader that went away is an error of write().
  if (const std::optional<int> code = RunFrontend(program, words)) return *code;
  const absl::StatusOr<ParsedLine> line = ParseCommandLine(AllCommands(), words);
  if (!line.ok()) return Fail(line.status(), Flags());
  const Invocation& invocation = line->invocation;
  if (line->help) {
    // Without any word, help is the answer to a mistake.
    Output(words.empty() ? STDERR_FILENO : STDOUT_FILENO)
        .Write(invocation.command == nullptr ? HelpText(AllCommands())
                                             : CommandHelpText(*invocation.command));
    return words.empty() ? kExitUsage : kExitOk;
  }
  // The engine of a local run logs its steps; the user sees them as progress.
  FLAGS_minloglevel = invocation.flags.Bool("debug") ? google::GLOG_INFO : google::GLOG_ERROR;
  // What gRPC says of a handshake is in the error that follows.
  if (!invocation.flags.Bool("debug") && GetEnv("GRPC_VERBOSITY").empty()) {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  const absl::StatusOr<int> code = invocation.command->run(invocation);
  return code.ok() ? *code : Fail(code.status(), invocation.flags);
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  // An arena of a thread grows by one page at a time, each a call of mprotect: a local run of 64
  // ranks makes 400 of them. The threads of a client hardly ever allocate at once.
  mallopt(M_ARENA_MAX, 1);
  muster::OpenStandardStreams();
  const int code = muster::Main(argv[0], std::vector<std::string>(argv + 1, argv + argc));
  // All output is written, all calls have ended: what is left is gRPC's own taking down.
  _exit(code);
}
