// Says at once that it is up, and is done only when a file exists: a test holds it there for as
// long as it needs, without any guess at times.
//   slow_start --until FILE [--witness FILE] [--code N]
// The witness gets one line `RANK PID` at the start.
#include <unistd.h>

#include <string>

#include "tests/programs/program.h"

namespace p = muster::program;

int main(int argc, char** argv) {
  const std::string rank = std::to_string(p::Rank());
  const std::string until = p::Flag(argc, argv, "until", std::string());
  const std::string witness = p::Flag(argc, argv, "witness", std::string());
  if (!witness.empty()) p::AppendLine(witness, rank + " " + std::to_string(getpid()));
  const std::string up = "rank " + rank + " up\n";
  p::WriteAll(STDOUT_FILENO, up.data(), up.size());
  while (!until.empty() && access(until.c_str(), F_OK) != 0) p::SleepMs(2);
  const std::string done = "rank " + rank + " done\n";
  p::WriteAll(STDOUT_FILENO, done.data(), done.size());
  return static_cast<int>(p::Flag(argc, argv, "code", int64_t{0}));
}
