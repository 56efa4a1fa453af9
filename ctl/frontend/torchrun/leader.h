#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_LEADER_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_LEADER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/torchrun/coordinator.h"
#include "ctl/frontend/torchrun/frame_channel.h"
#include "ctl/frontend/torchrun/leader_link.h"

namespace muster {

// The leader of a job: its coordinator, the socket that the other nodes come to, and the link of
// the node that runs in this very process. Without a socket it leads that one node. On the loop's
// thread.
class Leader final : public LeaderLink {
 public:
  // `listener` may be invalid. `loop` must outlive this object.
  Leader(const Coordinator::Options& options, EventLoop* loop, UniqueFd listener,
         Coordinator::PickPort pick_port);
  ~Leader() override;

  void Open(Callbacks callbacks) override;
  void Send(const NodeMessage& message) override;
  void Close(std::function<void()> done) override;

 private:
  struct Guest {
    std::unique_ptr<FrameChannel> channel;
    bool introduced = false;
    bool refused = false;  // Is not listened to any more.
  };

  void Accept();
  void OnFrame(int id, absl::string_view bytes);
  void OnGone(int id, const std::string& why);
  void Drop(int id);
  void DropSoonUnless(bool (*is_welcome)(const Guest& guest), int id);
  void SendTo(int id, const LeaderMessage& message);
  void Finish();

  EventLoop* const loop_;
  UniqueFd listener_;
  Callbacks callbacks_;
  Coordinator coordinator_;
  std::map<int, Guest> guests_;
  int next_id_ = 1;  // 0 is the node of this process.
  bool closing_ = false;
  std::function<void()> done_;
  EventLoop::TimerId close_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // For what was posted.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_LEADER_H_
