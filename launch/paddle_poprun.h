#ifndef MUSTER_LAUNCH_PADDLE_POPRUN_H_
#define MUSTER_LAUNCH_PADDLE_POPRUN_H_

#include <string>
#include <vector>

namespace muster {

// A job on IPUs: one poprun starts all its instances.
struct PaddleIpuJob {
  int devices = 0;  // IPUs of the whole job.
  std::vector<std::string> hosts;
  int nproc_per_host = 0;
  int ipus_per_replica = 0;
  std::string partition;
  std::string vipu_server;
  std::string log_level;             // POPART_LOG_LEVEL; empty: left out.
  std::vector<std::string> command;  // Interpreter, script, arguments.
};

// What is wrong with the counts, in one line, or "". The functions below need a job without fault.
std::string PaddleIpuFault(const PaddleIpuJob& job);

// The parts of the line that Paddle prints and hands to a shell, to be joined by a blank: quoted
// for the shell, all but `command`, which the original does not quote.
std::vector<std::string> PaddlePoprunParts(const PaddleIpuJob& job);

// The same without a shell: what poprun's argv is after a shell has read those parts, with each
// word of `command` kept whole.
std::vector<std::string> PaddlePoprunArgv(const PaddleIpuJob& job);

}  // namespace muster

#endif  // MUSTER_LAUNCH_PADDLE_POPRUN_H_
