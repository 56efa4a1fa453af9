// Ends in a way that the test chooses.
//   exit_with [--code N] [--signal N] [--rank R] [--after_ms T] [--when FILE]
// With --rank only that rank does; the others stay until they are stopped. With --when it waits
// until FILE exists. `--code rank` exits with 10 + rank.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/programs/program.h"

namespace p = muster::program;

int main(int argc, char** argv) {
  const int rank = p::Rank();
  const int64_t chosen = p::Flag(argc, argv, "rank", int64_t{rank});
  printf("rank %d up\n", rank);
  fflush(stdout);
  if (chosen != rank) p::PauseForever();

  const std::string when = p::Flag(argc, argv, "when", std::string());
  while (!when.empty() && access(when.c_str(), F_OK) != 0) p::SleepMs(2);
  p::SleepMs(p::Flag(argc, argv, "after_ms", int64_t{0}));

  const int signal_number = static_cast<int>(p::Flag(argc, argv, "signal", int64_t{0}));
  if (signal_number != 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
  }
  const std::string code = p::Flag(argc, argv, "code", std::string("0"));
  return code == "rank" ? 10 + rank : std::stoi(code);
}
