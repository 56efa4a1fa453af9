// Leaves a grandchild behind that does all it can to get away: double fork, setsid, closed
// descriptors, signals ignored.
//   grandchild --witness FILE [--keep_output] [--stay] [--code N]
// FILE gets the grandchild's pid. --keep_output: it holds stdout and stderr open. --stay: the rank
// itself stays too, until it is stopped.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/programs/program.h"

namespace p = muster::program;

namespace {

bool Has(int argc, char** argv, const char* word) {
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], word) == 0) return true;
  }
  return false;
}

[[noreturn]] void GetAway(const std::string& witness, bool keep_output) {
  setsid();
  if (fork() != 0) _exit(0);  // Its parent is gone: whoever reaps orphans has it now.
  setsid();
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) signal(number, SIG_IGN);
  p::AppendLine(witness, std::to_string(getpid()));
  close(STDIN_FILENO);
  for (int fd = keep_output ? 3 : 1; fd < 256; ++fd) close(fd);
  p::PauseForever();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string witness = p::Flag(argc, argv, "witness", std::string("/dev/null"));
  const pid_t child = fork();
  if (child == 0) GetAway(witness, Has(argc, argv, "--keep_output"));
  waitpid(child, nullptr, 0);
  while (witness != "/dev/null" && access(witness.c_str(), F_OK) != 0) p::SleepMs(1);
  p::WriteAll(STDOUT_FILENO, "left one behind\n", 16);
  if (Has(argc, argv, "--stay")) p::PauseForever();
  return static_cast<int>(p::Flag(argc, argv, "code", int64_t{0}));
}
