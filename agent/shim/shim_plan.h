// What msshim is told: the gang's ranks on this host, complete. No Abseil, no protobuf: msshim
// reads it. The bytes are versioned; N and N-1 read each other.
#ifndef MUSTER_AGENT_SHIM_SHIM_PLAN_H_
#define MUSTER_AGENT_SHIM_SHIM_PLAN_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace muster {

// One rank. Its index in ShimPlan::ranks names it on the wire and in the exit journal.
struct ShimRank {
  std::string role;
  int32_t rank = 0;  // Within the role.
  std::vector<std::string>
      argv;  // argv[0] is an absolute path, or is looked up in the PATH of `env`.
  std::vector<std::string> env;  // "NAME=value", complete.
  std::string workdir;
  std::string stdin_path;  // Empty: /dev/null.
  // The user's log files, absolute, opened as the user; empty: segments below gang_dir/logs, named
  // ROLE-RANK.out.OFFSET and ROLE-RANK.err.OFFSET (OFFSET: 16 hex digits, of the first byte).
  std::string out_path;
  std::string err_path;       // Equal to out_path: one pipe, one file.
  bool create_empty = false;  // The files exist also when nothing was written.
  std::vector<int32_t> cpus;  // Affinity; empty: inherited.
};

enum class LogFull : uint8_t { kBlock = 1, kDropOldest = 2, kDropNew = 3 };

struct ShimPlan {
  std::string job_id;
  int32_t attempt = 0;
  int64_t epoch = 0;
  std::string gang_dir;      // Absolute. Holds plan, lock, sock, exits, logs/.
  std::string ranks_cgroup;  // Directory of the v2 leaf `ranks/`; empty: without cgroups.
  std::vector<std::string> v1_cgroups;  // Directories of v1 controllers the ranks join as well.
  uint32_t umask = 022;
  std::vector<std::pair<int32_t, int64_t>> rlimits;  // (RLIMIT_*, value or -1 for unlimited).
  int64_t stop_grace_ms = 10000;
  bool stop_gang = true;  // The first failing exit stops the other ranks here at once.
  bool tty = false;
  bool durable = true;  // fdatasync the exit journal before reaping.
  int64_t segment_size = 64 << 20;
  int64_t max_size = int64_t{1} << 30;
  LogFull log_full = LogFull::kDropOldest;
  std::vector<ShimRank> ranks;
  // Minor 1. The node's lease at the start, see FenceKeeper; 0: the gang is not fenced.
  int64_t fence_until_ns = 0;
  int64_t fence_grace_ms = 0;
};

// Whether stdout and stderr of this rank are one stream, which then is .out: a PTY, or one user
// file.
bool MergesStreams(const ShimPlan& plan, const ShimRank& rank);

std::string EncodeShimPlan(const ShimPlan& plan);
// False when the bytes are damaged or of an unknown major version; `error` then says which.
bool DecodeShimPlan(const std::string& bytes, ShimPlan* plan, std::string* error);

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_SHIM_PLAN_H_
