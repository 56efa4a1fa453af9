#ifndef MUSTER_AGENT_PROCESS_SHIM_CLIENT_H_
#define MUSTER_AGENT_PROCESS_SHIM_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/shim/shim_plan.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// How a rank ended, as msshim has journalled it.
struct RankExit {
  int index = 0;      // In ShimPlan::ranks.
  int restart = 0;    // Which life of the rank.
  bool started = true;       // False: it never ran, and `error` says why.
  bool known = true;         // False: nobody saw its exit.
  int code = 0;
  int signal = 0;            // 0: it exited with `code`.
  bool core_dumped = false;
  bool out_of_memory = false;
  bool stopped = false;      // msshim had signalled it before.
  std::string error;
  int64_t boottime_ns = 0;   // CLOCK_BOOTTIME at the exit.
  absl::Time wall;
  int64_t out_bytes = 0;     // Lengths of the streams at the exit.
  int64_t err_bytes = 0;
};

// What the shim tells. All on the loop.
class ShimEvents {
 public:
  virtual ~ShimEvents() = default;
  virtual void OnStarted(int index, int restart, int pid, absl::Time when) = 0;
  // The exit is durable. At the first failing one with `stop_gang` the shim has already stopped the
  // other ranks.
  virtual void OnExit(const RankExit& exit) = 0;
  // A subscribed stream has this many bytes now.
  virtual void OnGrew(int index, bool is_stderr, int64_t length) = 0;
  // No rank and no descendant of one is left, every exit is durable, every log is flushed: the
  // stream lengths are final and the shim ends.
  virtual void OnFinished() = 0;
  // The connection broke before OnFinished(). The shim died, or refuses to talk.
  virtual void OnGone(const absl::Status& status) = 0;
};

// The agent's end of one msshim: a Unix socket in the gang's directory, versioned frames. Every
// connect replays what the shim knows (starts, exits, lengths) and hands over a descriptor of every
// pipe and a pidfd of every rank, so that a dead shim can be replaced. Lives on the loop.
class ShimClient {
 public:
  // Starts `shim_path` by posix_spawn for the plan that lies in gang_dir/plan, and connects. The shim
  // is told apart from an earlier one by the lock in gang_dir. `events` must outlive the client.
  static absl::StatusOr<std::unique_ptr<ShimClient>> Spawn(const std::string& shim_path,
                                                           const std::string& gang_dir,
                                                           EventLoop* loop, ShimEvents* events);
  // Connects to the living shim of gang_dir. UNAVAILABLE: its lock is free, there is none.
  static absl::StatusOr<std::unique_ptr<ShimClient>> Connect(const std::string& gang_dir,
                                                             EventLoop* loop, ShimEvents* events);
  // Starts a shim that takes over the ranks of a dead one, by the descriptors that its client holds;
  // without any it records what the journal lacks as unknown, and ends what is left of the gang.
  static absl::StatusOr<std::unique_ptr<ShimClient>> Takeover(const std::string& shim_path,
                                                              const std::string& gang_dir,
                                                              std::unique_ptr<ShimClient> dead,
                                                              EventLoop* loop, ShimEvents* events);
  virtual ~ShimClient() = default;

  // SIGTERM to every rank, `grace`, SIGKILL to all that is left.
  virtual void Stop(absl::Duration grace) = 0;
  // Runs an ended rank again; `restart` counts from 1 and makes it repeatable.
  virtual void RestartRank(int index, int restart) = 0;
  // Turns OnGrew() for one stream on or off; on begins with the present length.
  virtual void Subscribe(int index, bool is_stderr, bool on) = 0;
};

// What the files of a gang say of its ranks, for a gang whose shim has ended.
struct GangRecord {
  std::vector<RankExit> exits;  // Of each rank's last life, in the order in which they happened.
  std::vector<int> running;     // Indices that started and have no exit on record.
  bool finished = false;        // The shim had come to its end.
  // Final lengths, by index; valid when finished.
  std::vector<std::pair<int64_t, int64_t>> lengths;
};
absl::StatusOr<GangRecord> ReadGangRecord(const std::string& gang_dir);

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_SHIM_CLIENT_H_
