#ifndef MUSTER_AGENT_LINK_SCHEDULER_LINK_H_
#define MUSTER_AGENT_LINK_SCHEDULER_LINK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/link/fence.h"
#include "agent/link/fresh_reasons.h"
#include "agent/link/pledge.h"
#include "agent/task/gangs.h"
#include "common/base/backoff.h"
#include "common/base/event_loop.h"
#include "muster/v1/node_service.pb.h"

namespace muster {

// What a stream tells its user. All on the loop, none from within Open() or Send().
class NodeStreamEvents {
 public:
  virtual ~NodeStreamEvents() = default;
  virtual void OnResponse(const v1::ConnectNodeResponse& response) = 0;
  // The last Send() is on its way: the next may come.
  virtual void OnSent() = 0;
  // The last event: the stream is over, or never came about.
  virtual void OnClosed(const absl::Status& status) = 0;
};

// One ConnectNode stream. Implemented over gRPC by agent/rpc/node_stream, and by a fake in tests.
// Its destructor ends it; no event comes after that.
class NodeStream {
 public:
  virtual ~NodeStream() = default;
  // One message at a time: the next after OnSent().
  virtual void Send(const v1::ConnectNodeRequest& message) = 0;
};

// The agent's tie to the scheduler: says hello with all that runs here, beats, reports every change
// of a gang until it is acknowledged, and comes back with jittered waits after a break. Of a gang's
// reports only the newest is kept, and at most one message is in flight. Lives on the loop.
class SchedulerLink : private NodeStreamEvents {
 public:
  // Opens a stream; `events` outlives it.
  using Opener = std::function<std::unique_ptr<NodeStream>(NodeStreamEvents* events)>;

  struct Options {
    Backoff::Options backoff;
    // A stream on which the scheduler answers no heartbeat for so long is given up; sooner where
    // the lease needs it, but never before kSilentBeats intervals.
    absl::Duration silence = absl::Seconds(10);
    // Keeps the node's lease by what is answered. Null: this host needs none.
    Fence* fence = nullptr;
    // What the scheduler is promised. Null: this agent is no candidate.
    Pledge* pledge = nullptr;
  };

  // Takes the report sink of `gangs`. Pointers, also those in `options`, must outlive this object.
  SchedulerLink(const Options& options, v1::NodeInfo info, EventLoop* loop, Gangs* gangs,
                Opener open);
  ~SchedulerLink() override;

  // Call once: connects, and stays connected.
  void Start();
  // The scheduler is at another place now: leaves the old one and connects after a moment, whatever
  // the waits have grown to.
  void Retarget();
  // The node's devices have changed.
  void SetInfo(const v1::NodeInfo& info);

  bool connected() const { return state_ == State::kConnected; }

 private:
  using GangKey = std::pair<std::string, int>;  // Job and attempt.
  enum class State { kIdle, kGreeting, kConnected };

  void OnResponse(const v1::ConnectNodeResponse& response) override;
  void OnSent() override;
  void OnClosed(const absl::Status& status) override;

  void Connect();
  void Disconnect(const absl::Status& status);
  void OnHeartbeatAnswer(int64_t sequence);
  void OnWelcome(const v1::NodeWelcome& welcome);
  // Answer `number` of this stream, to what was sent at `sent`, was taken.
  void GivePledge(int64_t number, absl::Duration sent);
  void Report(const v1::GangReport& report);
  void Beat();
  // Sends what is most urgent, when nothing is in flight.
  void Pump();
  void Send(const v1::ConnectNodeRequest& message);
  v1::ConnectNodeRequest Hello();
  absl::Duration Silence() const;
  absl::Duration BeatDelay() const;

  const Options options_;
  v1::NodeInfo info_;
  EventLoop* const loop_;
  Gangs* const gangs_;
  const Opener open_;
  Backoff backoff_;

  State state_ = State::kIdle;
  std::unique_ptr<NodeStream> stream_;
  bool sending_ = false;
  FreshReasons break_logged_;     // Why the link is DOWN, as the log has it.
  EventLoop::TimerId timer_ = 0;  // The next try, or the next beat.
  absl::Duration heartbeat_interval_;
  int64_t epoch_ = 0;                                          // Of the last welcome.
  absl::Duration pledge_length_;                               // As it asks for.
  int64_t pledged_ = 0;                                        // As in NodeHeartbeat.
  int64_t sequence_ = 0;                                       // Of the last heartbeat.
  absl::Duration last_answer_;                                 // On Clock::Boot().
  absl::Duration hello_sent_;                                  // As all times here.
  std::deque<std::pair<int64_t, absl::Duration>> beats_sent_;  // Not answered, oldest first.
  bool beat_due_ = false;
  bool info_due_ = false;
  // Reports to be sent: the newest of each gang, and whose turn it is. A break forgets them, for
  // the next hello holds all.
  std::map<GangKey, v1::GangReport> reports_;
  std::deque<GangKey> turns_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_LINK_SCHEDULER_LINK_H_
