#ifndef MUSTER_CTL_FRONTEND_PADDLE_PEER_WATCH_H_
#define MUSTER_CTL_FRONTEND_PADDLE_PEER_WATCH_H_

#include <functional>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/rendezvous/kv_client.h"

namespace muster {

// That a node failed.
struct PeerFailure {
  std::string node;   // Its address.
  int exit_code = 1;  // Of its launcher.
  std::string what;   // One line.
};

// How the drop-in launchers of one job learn of each other's ends: keys beside the original's
// protocol, below "/muster/<job id>/", which real launchers never ask for. Each node writes its
// state twice a second while its processes run, and reads the others'. A state is one line,
// "running COUNT ADDRESS", "completed - ADDRESS" or "failed CODE ADDRESS WHAT". Who writes nothing
// new for 20 s is lost, and so is a serving node that nobody hears for as long.
//
// Real launchers write no such keys and are not watched. On the loop's thread.
class PeerWatch {
 public:
  // `name` is the pod's; `serves`: the keys live in this very process; `peers`: how many other
  // nodes the job has. `loop` and `client` must outlive this object.
  PeerWatch(EventLoop* loop, KvClient* client, const std::string& job_id, const std::string& name,
            const std::string& address, bool serves, int peers);
  ~PeerWatch();

  // Begins to write and to read. `on_failure` comes at most once, from the loop.
  void Start(std::function<void(const PeerFailure& failure)> on_failure);
  // Says how this node ended, and calls `done` once the others know: at once where another node
  // serves, and where this one does after they have asked again, or after 3 s. A serving node also
  // stays until all had the time to read who is in the job.
  void End(int exit_code, absl::string_view what, std::function<void()> done);

 private:
  struct Peer {
    std::string state;          // The line as last read.
    absl::Duration changed_at;  // Clock::Boot().
    int changes = 0;
  };

  void Beat();
  void Read();
  void OnStates(const std::map<std::string, std::string>& states);
  void CheckLost();
  void Fail(const PeerFailure& failure);
  void PutEnd();
  void ReadUntilHeard();
  bool AllHaveHeard() const;

  EventLoop* const loop_;
  KvClient* const client_;
  const std::string prefix_;
  const std::string own_key_;
  const std::string address_;
  const bool serves_;
  const int peer_count_;

  std::function<void(const PeerFailure&)> on_failure_;
  std::function<void()> on_heard_;  // Set: this node has ended.
  std::map<std::string, Peer> peers_;
  std::map<std::string, int> changes_at_end_;
  std::string final_state_;
  bool server_is_ours_ = false;  // A drop-in serves the keys: its silence means something.
  bool server_completed_ = false;
  absl::Duration began_at_;
  absl::Duration heard_at_;
  absl::Duration ended_at_;
  int count_ = 0;         // Of beats.
  bool putting_ = false;  // A beat is on its way.
  EventLoop::TimerId timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_PEER_WATCH_H_
