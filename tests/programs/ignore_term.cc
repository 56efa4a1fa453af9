// Ignores SIGTERM and says so: only SIGKILL ends it.
//   ignore_term [--witness FILE]    FILE gets this process's pid, one line
#include <signal.h>
#include <unistd.h>

#include <string>

#include "tests/programs/program.h"

namespace p = muster::program;

namespace {

void OnTerm(int) {
  constexpr char kLine[] = "SIGTERM ignored\n";
  p::WriteAll(STDOUT_FILENO, kLine, sizeof(kLine) - 1);
}

}  // namespace

int main(int argc, char** argv) {
  struct sigaction action {};
  action.sa_handler = OnTerm;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  const std::string witness = p::Flag(argc, argv, "witness", std::string());
  if (!witness.empty()) p::AppendLine(witness, std::to_string(getpid()));
  const std::string ready = "rank " + std::to_string(p::Rank()) + " ready\n";
  p::WriteAll(STDOUT_FILENO, ready.data(), ready.size());
  p::PauseForever();
}
