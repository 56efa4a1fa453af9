#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_REMOTE_LINK_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_REMOTE_LINK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/torchrun/frame_channel.h"
#include "ctl/frontend/torchrun/leader_link.h"

namespace muster {

// The way to a leader on another host. Tries until it is there, at most for the join timeout; a
// connection that breaks later is lost for good: the leader has counted this node out. On the
// loop's thread.
class RemoteLink final : public LeaderLink {
 public:
  // `loop` must outlive this object.
  RemoteLink(EventLoop* loop, std::string host, int port, absl::Duration join_timeout);
  ~RemoteLink() override;

  void Open(Callbacks callbacks) override;
  void Send(const NodeMessage& message) override;
  void Close(std::function<void()> done) override;

 private:
  void Try();
  void OnDecided();
  void TryLater(const std::string& why);
  // Connected: somebody listens. A leader answers a hello at once.
  void AwaitAnswer();
  void OnClosed(const std::string& why);
  void OnFrame(absl::string_view bytes);
  void Lose(const std::string& why);
  std::string Where() const;

  EventLoop* const loop_;
  const std::string host_;
  const int port_;
  const absl::Duration join_timeout_;
  absl::Duration deadline_;
  absl::Duration answer_deadline_;
  bool answered_ = false;  // The leader has said something that only a leader says.
  int attempts_ = 0;
  Callbacks callbacks_;
  UniqueFd connecting_;
  std::unique_ptr<FrameChannel> channel_;
  std::string unsent_;  // The hello, until there is a channel.
  EventLoop::TimerId timer_ = 0;
  bool closed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // For what was posted.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_REMOTE_LINK_H_
