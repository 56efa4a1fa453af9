#ifndef MUSTER_SCHEDULER_CORE_GANG_TRACKER_H_
#define MUSTER_SCHEDULER_CORE_GANG_TRACKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/event_loop.h"
#include "scheduler/core/agent_channel.h"
#include "scheduler/plan/gang_planner.h"

namespace muster {

// One attempt of one job on all its hosts: reserve everywhere or nowhere, start, stop, and know of
// each host how far it is. Commands are repeated until the host has taken them, with growing waits;
// a host that is not connected gets them when it returns. Decides nothing about the job.
//
// Lives on the loop, as long as the attempt. No event comes from within a method, except those that
// say so; none comes after the destructor.
class GangTracker {
 public:
  // Null while the node is not connected.
  using FindChannel = std::function<AgentChannel*(const std::string& node_id)>;

  struct Events {
    // Every host holds its part; with the ports.
    std::function<void(const v1::Placement&)> on_reserved;
    // One of them does not; everything has been released.
    std::function<void(const absl::Status&)> on_refused;
    // Host `node` has not started its ranks, and will not: the refusal, or how its start was lost.
    std::function<void(int node, const absl::Status&)> on_never_started;
    // Host `node` had started its ranks, and knows nothing of them any more.
    std::function<void(int node)> on_forgotten;
    // Host `node` will not start this rank again.
    std::function<void(int node, const std::string& role, int rank, const absl::Status&)>
        on_restart_refused;
  };

  // `loop` must outlive this object.
  GangTracker(EventLoop* loop, v1::GangRef gang, FindChannel channels, Events events);
  ~GangTracker();
  // No event comes after this. For owners that are called by one.
  void Abandon();
  GangTracker(const GangTracker&) = delete;
  GangTracker& operator=(const GangTracker&) = delete;

  // Phase 1, on all hosts in parallel.
  void Reserve(const GangPlan& plan, absl::Duration ttl);
  // Phase 2, with the placement of on_reserved.
  void Start(const v1::JobSpec& spec, const v1::Placement& placement);
  // In place of both, after a restart of the scheduler: the gang was started on all hosts, or a
  // start was on its way where `started` is false.
  void Resume(const v1::JobSpec& spec, const v1::Placement& placement,
              const std::vector<bool>& started);
  // Ends the ranks on every host that has not finished. May be repeated.
  void Stop(absl::Duration grace, const std::string& reason);
  // Gives the reservations back; for gangs that were never started.
  void Release();
  void RestartRank(int node, const std::string& role, int rank, int restart);

  // The node is there again and has this gang or not. `restarted`: by another process than before.
  // Returns false when it had started the gang and knows nothing of it any more.
  bool NodeConnected(int node, bool has_gang, bool restarted);
  // A report has come from the host. Returns false when it is an old one.
  bool TakeReport(int node, int64_t sequence, bool finished);
  // Nothing more will come from this host.
  void SetFinished(int node) { Part(node).state = PartState::kFinished; }

  bool finished(int node) const {
    return parts_[static_cast<size_t>(node)].state == PartState::kFinished;
  }
  bool all_finished() const;
  // The nodes that do not hold their part of what was reserved.
  std::vector<std::string> Unreserved() const;

 private:
  enum class PartState { kIdle, kReserving, kReserved, kStarting, kStarted, kFinished };
  struct NodePart {
    std::string node_id;
    PartState state = PartState::kIdle;
    bool stop_taken = false;  // The agent has taken the order to stop.
    bool reported = false;    // It has spoken of this gang.
    int64_t sequence = 0;     // Of its last report in this session.
    EventLoop::TimerId retry = 0;
    Backoff backoff{Backoff::Options()};
  };

  NodePart& Part(int node) { return parts_[static_cast<size_t>(node)]; }
  void MakeParts(const v1::Placement& placement);
  void OnReserved(int node, const absl::StatusOr<v1::ReserveGangResponse>& response);
  void FinishReserve();
  void SendStart(int node);
  void OnStarted(int node, const absl::Status& status);
  void SendStop(int node);
  void OnStopped(int node, const absl::Status& status);
  void SendRelease(int node);
  void Retry(int node, void (GangTracker::*send)(int));
  void NeverStarted(int node, const absl::Status& status);

  EventLoop* const loop_;
  const v1::GangRef gang_;
  const FindChannel channels_;
  const Events events_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<NodePart> parts_;
  v1::Placement placement_;
  v1::JobSpec spec_;
  int unanswered_ = 0;    // Of phase 1.
  absl::Status refusal_;  // The first one.
  bool stopping_ = false;
  absl::Duration grace_;
  std::string stop_reason_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_GANG_TRACKER_H_
