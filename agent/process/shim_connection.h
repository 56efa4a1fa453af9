#ifndef MUSTER_AGENT_PROCESS_SHIM_CONNECTION_H_
#define MUSTER_AGENT_PROCESS_SHIM_CONNECTION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/shim/fd_socket.h"
#include "agent/shim/frame.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"

namespace muster {

// The agent's end of the socket to one msshim: frames and descriptors, in and out, without waiting.
// Lives on the loop, as long as its client; may be opened again. Either callback may close it, open
// it anew or delete it.
class ShimConnection {
 public:
  using OnFrame = std::function<void(const Frame& frame)>;
  using OnEnd = std::function<void(const std::string& why)>;  // It is still open, but of no use.

  ShimConnection(EventLoop* loop, OnFrame on_frame, OnEnd on_end);  // `loop` must outlive it.
  ~ShimConnection();
  ShimConnection(const ShimConnection&) = delete;
  ShimConnection& operator=(const ShimConnection&) = delete;

  // In place of the connection that there was.
  void Open(UniqueFd socket);
  void Close();

  // Queues one frame; nothing while it is closed.
  void Send(FrameType type, const std::string& payload);
  // Queues kAdopt frames with duplicates of all of them.
  void SendDescriptors(const std::vector<NamedDescriptor>& descriptors);
  // Whether the other side has taken all that was sent.
  bool IsRead() const;
  // What rode on a kDescriptors frame: so many, in order, or none when some were lost.
  std::vector<UniqueFd> TakeReceived(size_t count);

 private:
  struct Piece {
    std::string bytes;
    std::vector<UniqueFd> fds;
  };

  void OnReady(uint32_t bits);
  void Flush();

  EventLoop* const loop_;
  const OnFrame on_frame_;
  const OnEnd on_end_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  UniqueFd socket_;
  int64_t opened_ = 0;  // How often: tells one connection from the next.
  FrameReader reader_;
  std::deque<UniqueFd> received_;
  std::deque<Piece> queue_;
  bool wants_write_ = false;
};

}  // namespace muster

#endif  // MUSTER_AGENT_PROCESS_SHIM_CONNECTION_H_
