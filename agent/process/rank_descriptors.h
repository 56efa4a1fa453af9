#ifndef MUSTER_AGENT_PROCESS_RANK_DESCRIPTORS_H_
#define MUSTER_AGENT_PROCESS_RANK_DESCRIPTORS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "agent/shim/fd_socket.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// What the agent holds of each rank, for the day its shim dies: the read ends of its pipes, without
// which it would get EPIPE, and its pidfd. Then also how it ended, where this process is what
// orphans fall to (PID 1 of a container, a subreaper): a successor of the shim cannot wait for
// them, but we can. Lives on the loop, one per connection; goes from a dead one to the next.
class RankDescriptors {
 public:
  // A rank has ended and we were its reaper; `wait_status` as waitpid() packs it.
  using OnReaped = std::function<void(int index, int restart, int wait_status)>;

  RankDescriptors(EventLoop* loop, OnReaped on_reaped);  // `loop` must outlive this object.
  ~RankDescriptors();

  // A descriptor that a shim has sent.
  void Keep(const NamedDescriptor& name, UniqueFd fd);
  // Nothing more can come from this pipe.
  void PipeClosed(int index, bool is_stderr);
  // This life of the rank is on record.
  void Ended(int index, int restart);
  // The gang is over.
  void Clear();

  // Takes all that `dead` has, and what it has learned.
  void TakeFrom(RankDescriptors* dead);
  // All of them, still ours.
  std::vector<NamedDescriptor> All() const;
  // The shim has died: learn how the ranks end. Those that were reaped already are told at once.
  void AwaitExits();

 private:
  struct Rank {
    int restart = 0;
    UniqueFd out;
    UniqueFd err;
    UniqueFd pidfd;
    std::optional<int> wait_status;  // It has ended, and was ours.
  };
  struct Orphan {
    int restart = 0;
    UniqueFd pidfd;  // A duplicate, for Rank's may go at any time.
    bool watched = false;
    int tries = 0;
  };

  void Unwatch(Orphan* orphan);
  void OnGone(int index);

  EventLoop* const loop_;
  const OnReaped on_reaped_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<int, Rank> ranks_;  // By index.
  std::map<int, Orphan> orphans_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_RANK_DESCRIPTORS_H_
