#ifndef MUSTER_AGENT_PROCESS_SHIM_CLIENT_H_
#define MUSTER_AGENT_PROCESS_SHIM_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/process/gang_record.h"
#include "agent/process/rank_exit.h"
#include "agent/process/shim_spawn.h"
#include "common/base/event_loop.h"

namespace muster {

// What the shim tells. All on the loop.
class ShimEvents {
 public:
  virtual ~ShimEvents() = default;
  virtual void OnStarted(int index, int restart, int pid, absl::Time when) = 0;
  // The exit is durable. At the first failing one with `stop_gang` the shim has already stopped the
  // other ranks.
  virtual void OnExit(const RankExit& exit) = 0;
  // A subscribed stream has this many bytes now. Also comes once for each stream with output after
  // a connect, and for every stream with its final length before OnFinished().
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
  // Starts a shim for the plan that lies in its gang_dir/plan, and connects. It is told apart from
  // an earlier one by the lock in gang_dir. `events` must outlive the client.
  static absl::StatusOr<std::unique_ptr<ShimClient>> Spawn(const ShimCommand& command,
                                                           EventLoop* loop, ShimEvents* events);
  // Connects to the living shim of the gang. UNAVAILABLE: its lock is free, there is none.
  static absl::StatusOr<std::unique_ptr<ShimClient>> Connect(const ShimCommand& command,
                                                             EventLoop* loop, ShimEvents* events);
  // Starts a shim that takes over the ranks of a dead one, by the descriptors that its client
  // holds; without any it records what the journal lacks as unknown, and ends what is left of the
  // gang.
  // `dead` may be null. `*dead` is consumed by success only: after a failed try its descriptors are
  // there for the next one.
  static absl::StatusOr<std::unique_ptr<ShimClient>> Takeover(const ShimCommand& command,
                                                              std::unique_ptr<ShimClient>* dead,
                                                              EventLoop* loop, ShimEvents* events);
  virtual ~ShimClient() = default;

  // SIGTERM to every rank, `grace`, SIGKILL to all that is left.
  virtual void Stop(absl::Duration grace) = 0;
  // Whether the shim has read all that it was told; one that hangs has not.
  virtual bool Listens() const = 0;
  // SIGKILL to the shim, where it hangs; OnGone() follows.
  virtual void Kill() = 0;
  // Runs an ended rank again; `restart` counts from 1 and makes it repeatable. After OnFinished(),
  // or when the two cross, the client starts another shim for it by itself, and OnFinished() comes
  // again; a stopped gang stays stopped as long as its shim lives.
  virtual void RestartRank(int index, int restart) = 0;
  // Until when the gang may run, on CLOCK_BOOTTIME or for ever, and how long after SIGTERM it is
  // killed then. The shim, and every successor that this client starts, keeps to it also when the
  // agent is dead.
  virtual void SetLease(int64_t epoch, absl::Duration until, absl::Duration grace) = 0;
  // Turns OnGrew() for one stream on or off; on begins with the present length.
  virtual void Subscribe(int index, bool is_stderr, bool on) = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_SHIM_CLIENT_H_
