#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_COORDINATOR_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_COORDINATOR_H_

#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/torchrun/messages.h"
#include "ctl/frontend/torchrun/rendezvous_settings.h"

namespace muster {

// Decides for all nodes of one job: who takes part, which ranks they get, when all start, stop and
// start again. One per job, in the launcher on the host of the rendezvous; that host's own node is
// one of its nodes. Sends through a function, knows no sockets. On the loop's thread.
//
// The budget of restarts is the job's, counted here: a node that leaves and comes back does not get
// a new one.
class Coordinator {
 public:
  struct Options {
    RendezvousSettings rendezvous;
    int max_restarts = 0;
    std::string master_addr;  // See WorldPlace.
  };
  using Send = std::function<void(int node, const LeaderMessage& message)>;
  // A port for rank 0 to listen on, free on this host now; counts the starts from 1.
  using PickPort = std::function<absl::StatusOr<int>(int round)>;

  // `loop` must outlive this object.
  Coordinator(const Options& options, EventLoop* loop, Send send, PickPort pick_port);
  ~Coordinator();

  // Begins to wait for nodes.
  void Start();
  // `node` is the sender's name for a connection; the node that runs here comes first.
  void OnMessage(int node, const NodeMessage& message);
  // The connection of `node` ended; `why` is a clause: "its launcher ended".
  void OnLost(int node, const std::string& why);

  bool ended() const { return phase_ == Phase::kEnded; }

 private:
  enum class Phase { kGathering, kRunning, kStopping, kEnded };
  struct Node {
    NodeFacts facts;
    int slot = 0;  // Order of the group ranks; a node that comes back gets its old one.
    bool succeeded = false;
    bool stopping = false;  // Has not yet said that nothing of it is left.
  };

  void OnHello(int id, const NodeFacts& facts);
  void OnFailed(int id, const WorkerFailure& failure);
  void OnSucceeded(int id);
  void OnStopped(int id);
  std::string Objection(const NodeFacts& facts) const;
  int SlotFor(const NodeFacts& facts) const;
  void Gather(bool expect_more);
  void Consider(bool expect_more);
  void SayWaiting();
  void OnJoinTimeout();
  void StartRound();
  void SendPlaces(int master_port);
  // A node or a worker failed: starts again, or ends the job.
  void Fail(const std::string& text, const WorkerFailure* failure, bool may_restart);
  void StopRound(const std::string& text, bool expect_more);
  void StoppedOne();
  void End(const LeaderMessage& message);
  void SendAll(const LeaderMessage& message);
  std::string Missing() const;

  const Options options_;
  EventLoop* const loop_;
  const Send send_;
  const PickPort pick_port_;
  Phase phase_ = Phase::kGathering;
  std::map<int, Node> nodes_;
  std::map<int, std::string> old_slots_;  // Slots of nodes that went, and their hosts.
  int round_ = 0;
  int restarts_ = 0;
  bool expect_more_ = true;  // The round to come waits for nodes that may still join.
  absl::Duration join_deadline_;
  EventLoop::TimerId join_timer_ = 0;
  EventLoop::TimerId last_call_timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_COORDINATOR_H_
