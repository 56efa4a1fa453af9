// What the launchers of one job say to each other: each node to the leader, which is the launcher
// on the host of the rendezvous, and the leader to each node. The wire is ours: real torchruns meet
// in torch's own store.
#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_MESSAGES_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_MESSAGES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// What a node must tell before it can take part.
struct NodeFacts {
  std::string run_id;   // --rdzv_id: the leader takes only nodes of its own job.
  std::string backend;  // "static" or "c10d".
  int min_nodes = 1;
  int max_nodes = 1;
  int node_rank = -1;  // Of a static job; else -1.
  int nproc = 1;
  std::string role;
  std::string host;  // For people, and to know a node again that comes back.
};

// A node's place in one start of the job.
struct WorldPlace {
  int restart_count = 0;
  int group_rank = 0;
  int group_world_size = 1;
  int first_rank = 0;  // Of this node's workers.
  int world_size = 1;
  int first_role_rank = 0;
  int role_world_size = 1;
  // Of rank 0's host. Empty: by the address at which this node meets the leader.
  std::string master_addr;
  int master_port = 0;
};

// A worker that failed.
struct WorkerFailure {
  int rank = 0;
  int local_rank = 0;
  int exit_code = 1;  // As Python has it: -9 where SIGKILL ended it.
  int pid = 0;
  int64_t unix_time = 0;
  std::string host;
  std::string error_file;  // Empty: it wrote none.
  std::string message;     // Its traceback, or what is known instead.
};

struct NodeMessage {
  enum class Kind {
    kHello,      // `facts`. First, once.
    kFailed,     // `round`, `failure`: the first of this node's workers.
    kSucceeded,  // `round`: all of this node's workers have exited 0.
    kStopped,    // `round`: nothing of this node's workers is left.
    kLeaving,    // `text`: why. `fatal`: no restart can help.
    kAlive,      // Nothing new.
  };
  Kind kind = Kind::kAlive;
  int round = 0;
  NodeFacts facts;
  WorkerFailure failure;
  std::string text;
  bool fatal = false;
};

struct LeaderMessage {
  enum class Kind {
    kRefused,  // `text`: why this node cannot take part.
    kWaiting,  // `text`: who is here and who is missing. `seconds`: how long it waits at most.
    kWorld,    // `round`, `place`: start the workers.
    kStop,     // `round`: stop them; say kStopped; a new kWorld follows.
    kFail,     // Stop them, and fail: `text`, and `failure` where a worker is to blame.
    kSuccess,  // Every worker of the job has exited 0.
    kAlive,
  };
  Kind kind = Kind::kAlive;
  int round = 0;
  WorldPlace place;
  std::optional<WorkerFailure> failure;
  std::string text;
  int seconds = 0;
};

// One line per field; no length, no terminator.
std::string Encode(const NodeMessage& message);
std::string Encode(const LeaderMessage& message);
// Absent: not from a launcher of this version.
std::optional<NodeMessage> DecodeNodeMessage(absl::string_view bytes);
std::optional<LeaderMessage> DecodeLeaderMessage(absl::string_view bytes);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_MESSAGES_H_
