#ifndef MUSTER_AGENT_SHIM_AGENT_LINK_H_
#define MUSTER_AGENT_SHIM_AGENT_LINK_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "agent/shim/fd_socket.h"
#include "agent/shim/frame.h"
#include "agent/shim/poller.h"
#include "common/base/unique_fd.h"

namespace muster {

// The shim's end of its socket: one agent at a time, the newest wins. Never waits for it: what the
// agent does not take at once is queued, and dropped with the connection, since the next one gets
// everything again. Single-threaded; lives as long as the shim.
class AgentLink {
 public:
  explicit AgentLink(Poller* poller) : poller_(poller) {}  // `poller` must outlive this object.

  // Binds dir/sock in place of a dead shim's. False with errno.
  bool Listen(int dir_fd);
  // Takes `connection` (the inherited one, or one just accepted) in place of the present one.
  void Use(UniqueFd connection);
  // Takes the newest waiting connection of root or our own user. False: there was none.
  bool Accept();
  bool connected() const { return connection_.valid(); }

  void Send(FrameType type, const std::string& payload);
  void SendDescriptors(const std::vector<NamedDescriptor>& descriptors);
  // Writes what the socket takes now.
  void Flush();

  // Whether the agent is behind: what can be told later should be.
  bool backlogged() const { return !queue_.empty() && wants_write_; }

  // Reads what is there. False: the connection has ended; take its last frames, then Drop() it.
  bool Receive();
  void Drop();
  // The next received frame, if there is a whole one.
  bool Next(Frame* frame);
  // The descriptors of a kAdopt frame, in its order; their owner is the caller.
  std::vector<std::pair<NamedDescriptor, UniqueFd>> TakeDescriptors(const Frame& frame);
  // Waits until something can be read, at most `timeout_ms`.
  bool WaitReadable(int timeout_ms) const;

 private:
  struct Piece {
    std::string bytes;
    std::vector<UniqueFd> fds;
  };

  // Sends a part of `piece`; false when the socket takes no more.
  bool SendPiece(Piece* piece);

  Poller* const poller_;
  UniqueFd listener_;
  UniqueFd connection_;
  std::deque<Piece> queue_;
  bool wants_write_ = false;
  FrameReader reader_;
  std::deque<UniqueFd> received_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_AGENT_LINK_H_
