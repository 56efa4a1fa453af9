// Writes numbered lines `RANK:SEQ:CRC:payload`, and tells a witness of its own what it wrote.
//   flood --lines N [--payload BYTES] [--pause_us T] [--stderr_every K] [--code N|random]
//         [--witness DIR]
// CRC is that of `RANK:SEQ:payload`. Every K-th line goes to stderr. In DIR it leaves
//   RANK.ATTEMPT.out, RANK.ATTEMPT.err   every byte that write(2) took, and
//   RANK.ATTEMPT.exit                    the code that it is about to exit with, and
//   runs                                 `attempt,rank,pid,boottime_ns,start|stop` of all ranks.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <string>

#include "tests/programs/program.h"

namespace p = muster::program;

namespace {

// What this rank says of itself, outside the product.
class Witness {
 public:
  Witness(const std::string& dir, int rank) : dir_(dir), rank_(rank) {
    if (dir_.empty()) return;
    stem_ = dir_ + "/" + std::to_string(rank) + "." + std::to_string(Attempt());
    out_ = Open(stem_ + ".out");
    err_ = Open(stem_ + ".err");
    Run("start");
  }
  void Wrote(int fd, const std::string& line) {
    if (dir_.empty()) return;
    p::WriteAll(fd == STDERR_FILENO ? err_ : out_, line.data(), line.size());
  }
  void Exits(int code) {
    if (dir_.empty()) return;
    p::AppendLine(stem_ + ".exit", std::to_string(code));
    Run("stop");
  }

 private:
  static int64_t Attempt() { return p::EnvNumber({"MUSTER_ATTEMPT"}, 0); }
  static int Open(const std::string& path) {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
  void Run(const char* what) const {
    char line[128];
    snprintf(line, sizeof(line), "%" PRId64 ",%d,%d,%" PRId64 ",%s", Attempt(), rank_, getpid(),
             p::BootTimeNs(), what);
    p::AppendLine(dir_ + "/runs", line);
  }

  const std::string dir_;
  const int rank_;
  std::string stem_;
  int out_ = -1;
  int err_ = -1;
};

std::string Line(int rank, int64_t sequence, const std::string& payload) {
  const std::string head = std::to_string(rank) + ":" + std::to_string(sequence) + ":";
  char crc[16];
  snprintf(crc, sizeof(crc), "%08x", p::Crc32(head + payload));
  return head + crc + ":" + payload + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const int rank = p::Rank();
  const int64_t lines = p::Flag(argc, argv, "lines", int64_t{1000});
  const int64_t pause_us = p::Flag(argc, argv, "pause_us", int64_t{0});
  const int64_t stderr_every = p::Flag(argc, argv, "stderr_every", int64_t{0});
  const std::string code_text = p::Flag(argc, argv, "code", std::string("0"));
  const std::string payload(static_cast<size_t>(p::Flag(argc, argv, "payload", int64_t{64})),
                            static_cast<char>('a' + rank % 26));
  Witness witness(p::Flag(argc, argv, "witness", std::string()), rank);

  for (int64_t sequence = 0; sequence < lines; ++sequence) {
    const bool to_stderr = stderr_every > 0 && sequence % stderr_every == stderr_every - 1;
    const int fd = to_stderr ? STDERR_FILENO : STDOUT_FILENO;
    const std::string line = Line(rank, sequence, payload);
    p::WriteAll(fd, line.data(), line.size());
    witness.Wrote(fd, line);
    if (pause_us > 0) usleep(static_cast<useconds_t>(pause_us));
  }
  const int code = code_text == "random"
                       ? static_cast<int>((p::BootTimeNs() / 1000 + rank * 37) % 256)
                       : std::stoi(code_text);
  witness.Exits(code);
  return code;
}
