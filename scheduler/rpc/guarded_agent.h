#ifndef MUSTER_SCHEDULER_RPC_GUARDED_AGENT_H_
#define MUSTER_SCHEDULER_RPC_GUARDED_AGENT_H_

#include <functional>
#include <memory>

#include "common/base/event_loop.h"
#include "scheduler/core/agent_channel.h"

namespace muster {

// Sends commands to `agent` while `may_act` says so, else refuses them with ABORTED: a leader that
// was stopped for a while must not give the orders that it had in mind. `loop` must outlive it.
std::unique_ptr<AgentChannel> MakeGuardedAgent(std::unique_ptr<AgentChannel> agent,
                                               std::function<bool()> may_act, EventLoop* loop);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_GUARDED_AGENT_H_
