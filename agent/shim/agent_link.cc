#include "agent/shim/agent_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "agent/shim/log_format.h"

namespace muster {
namespace {

constexpr Watch kListenerWatch = {WatchKind::kListener, 0};
constexpr Watch kAgentWatch = {WatchKind::kAgent, 0};

bool PeerIsTrusted(int socket) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == geteuid());
}

}  // namespace

bool AgentLink::Listen(int dir_fd) {
  // Under a name of its own first: whoever sees `sock` may connect to it.
  const std::string name = std::string(kSocketFile) + "." + std::to_string(getpid());
  unlinkat(dir_fd, name.c_str(), 0);
  listener_ = ListenIn(dir_fd, name);
  if (!listener_.valid() || renameat(dir_fd, name.c_str(), dir_fd, kSocketFile) != 0) return false;
  poller_->Add(listener_.get(), EPOLLIN, kListenerWatch);
  return true;
}

void AgentLink::Use(UniqueFd connection) {
  Drop();
  connection_ = std::move(connection);
  fcntl(connection_.get(), F_SETFL, fcntl(connection_.get(), F_GETFL) | O_NONBLOCK);
  poller_->Add(connection_.get(), EPOLLIN, kAgentWatch);
}

bool AgentLink::Accept() {
  UniqueFd newest;
  while (true) {
    UniqueFd next(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!next.valid() && errno == EINTR) continue;
    if (!next.valid()) break;
    if (PeerIsTrusted(next.get())) newest = std::move(next);
  }
  if (!newest.valid()) return false;
  Use(std::move(newest));
  return true;
}

void AgentLink::Send(FrameType type, const std::string& payload) {
  if (!connected()) return;
  if (queue_.empty() || !queue_.back().fds.empty()) queue_.emplace_back();
  queue_.back().bytes += EncodeFrame(type, payload);
}

void AgentLink::SendDescriptors(const std::vector<NamedDescriptor>& descriptors) {
  for (size_t at = 0; connected() && at < descriptors.size(); at += kMaxDescriptorsPerFrame) {
    const size_t end = std::min(at + kMaxDescriptorsPerFrame, descriptors.size());
    std::vector<NamedDescriptor> batch;
    Piece piece;
    for (size_t i = at; i < end; ++i) {
      UniqueFd copy(fcntl(descriptors[i].fd, F_DUPFD_CLOEXEC, 0));
      if (!copy.valid()) continue;
      batch.push_back(descriptors[i]);
      piece.fds.push_back(std::move(copy));
    }
    if (batch.empty()) continue;
    piece.bytes = EncodeFrame(FrameType::kDescriptors, EncodeDescriptors(batch));
    queue_.push_back(std::move(piece));
  }
}

void AgentLink::Flush() {
  while (connected() && !queue_.empty()) {
    if (!SendPiece(&queue_.front())) break;
    if (queue_.front().bytes.empty()) queue_.pop_front();
  }
  if (!connected() || wants_write_ == !queue_.empty()) return;
  wants_write_ = !queue_.empty();
  poller_->Change(connection_.get(), wants_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN, kAgentWatch);
}

bool AgentLink::SendPiece(Piece* piece) {
  std::vector<int> fds;
  for (const UniqueFd& fd : piece->fds) fds.push_back(fd.get());
  const ssize_t sent =
      SendWithFds(connection_.get(), piece->bytes.data(), piece->bytes.size(), fds);
  if (sent < 0) {
    if (errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS) Drop();
    return false;
  }
  piece->fds.clear();
  piece->bytes.erase(0, static_cast<size_t>(sent));
  return true;
}

bool AgentLink::Receive() {
  char buffer[4096];
  while (connected()) {
    const ssize_t got = ReceiveWithFds(connection_.get(), buffer, sizeof(buffer), &received_);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    reader_.Append(buffer, static_cast<size_t>(got));
    if (static_cast<size_t>(got) < sizeof(buffer)) return true;
  }
  return false;
}

bool AgentLink::Next(Frame* frame) {
  switch (reader_.Next(frame)) {
    case FrameReader::Result::kFrame:
      return true;
    case FrameReader::Result::kFailed:
      Drop();
      return false;
    case FrameReader::Result::kNeedMore:
      break;
  }
  return false;
}

std::vector<std::pair<NamedDescriptor, UniqueFd>> AgentLink::TakeDescriptors(const Frame& frame) {
  std::vector<std::pair<NamedDescriptor, UniqueFd>> taken;
  for (const NamedDescriptor& descriptor : DecodeDescriptors(frame.payload)) {
    if (received_.empty()) break;
    taken.emplace_back(descriptor, std::move(received_.front()));
    received_.pop_front();
  }
  return taken;
}

bool AgentLink::WaitReadable(int timeout_ms) const {
  pollfd waits = {connection_.get(), POLLIN, 0};
  return poll(&waits, 1, timeout_ms) > 0;
}

void AgentLink::Drop() {
  if (connection_.valid()) poller_->Remove(connection_.get());
  connection_.reset();
  queue_.clear();
  wants_write_ = false;
  reader_ = FrameReader();
  received_.clear();
}

}  // namespace muster
