#ifndef MUSTER_TESTS_FAKES_AGENT_CROWD_H_
#define MUSTER_TESTS_FAKES_AGENT_CROWD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/rpc/credentials.h"

namespace muster {

// Many agents without hosts in one process. Each is the product's own SchedulerLink and Fence, with
// its waits, beats and lease, over a real connection of its own; only the gangs behind it are fake.
// Lives on the loop.
class AgentCrowd {
 public:
  // `loop` must outlive this object.
  AgentCrowd(int count, const std::string& scheduler, const SecurityOptions& security,
             EventLoop* loop);
  ~AgentCrowd();

  // All come at once.
  void Start();
  // From here on the agent neither says nor hears anything; its connection stays open.
  void Mute(int index);

  // Agents that a scheduler has welcomed on the stream that they have now.
  int connected() const;
  // Streams opened so far, by all.
  int64_t opened() const { return opened_; }

 private:
  class Agent;

  EventLoop* const loop_;
  int64_t opened_ = 0;
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_AGENT_CROWD_H_
