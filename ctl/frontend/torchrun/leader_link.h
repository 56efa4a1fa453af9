#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_LEADER_LINK_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_LEADER_LINK_H_

#include <functional>
#include <string>

#include "ctl/frontend/torchrun/messages.h"

namespace muster {

// A node's way to the leader of its job: in this process or over the network. On the loop's thread;
// the callbacks come from the loop, never from within a call.
class LeaderLink {
 public:
  struct Callbacks {
    std::function<void(const LeaderMessage& message)> on_message;
    // One line: where the leader was looked for, and why it does not answer yet; for how many more
    // seconds it is tried.
    std::function<void(const std::string& text, int seconds)> on_waiting;
    // For good; one line.
    std::function<void(const std::string& why)> on_lost;
  };

  virtual ~LeaderLink() = default;
  virtual void Open(Callbacks callbacks) = 0;
  virtual void Send(const NodeMessage& message) = 0;
  // Says goodbye: nothing comes any more. `done` is called once the others know all they need of
  // this launcher, soon in any case.
  virtual void Close(std::function<void()> done) = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_LEADER_LINK_H_
