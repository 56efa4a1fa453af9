#include "agent/process/shim_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace muster {

ShimConnection::ShimConnection(EventLoop* loop, OnFrame on_frame, OnEnd on_end)
    : loop_(loop), on_frame_(std::move(on_frame)), on_end_(std::move(on_end)) {}

ShimConnection::~ShimConnection() {
  *alive_ = false;
  Close();
}

void ShimConnection::Open(UniqueFd socket) {
  Close();
  ++opened_;
  socket_ = std::move(socket);
  loop_->Watch(socket_.get(), EPOLLIN, [this](uint32_t bits) { OnReady(bits); });
}

void ShimConnection::Close() {
  if (socket_.valid()) loop_->Unwatch(socket_.get());
  socket_.reset();
  reader_ = FrameReader();
  received_.clear();
  queue_.clear();
  wants_write_ = false;
}

void ShimConnection::Send(FrameType type, const std::string& payload) {
  if (!socket_.valid()) return;
  if (queue_.empty() || !queue_.back().fds.empty()) queue_.emplace_back();
  queue_.back().bytes += EncodeFrame(type, payload);
  Flush();
}

void ShimConnection::SendDescriptors(const std::vector<NamedDescriptor>& descriptors) {
  if (!socket_.valid()) return;
  for (size_t at = 0; at < descriptors.size(); at += kMaxDescriptorsPerFrame) {
    const size_t end = std::min(at + kMaxDescriptorsPerFrame, descriptors.size());
    const std::vector<NamedDescriptor> batch(
        descriptors.begin() + static_cast<std::ptrdiff_t>(at),
        descriptors.begin() + static_cast<std::ptrdiff_t>(end));
    Piece piece;
    piece.bytes = EncodeFrame(FrameType::kAdopt, EncodeDescriptors(batch));
    for (const NamedDescriptor& descriptor : batch) {
      piece.fds.emplace_back(fcntl(descriptor.fd, F_DUPFD_CLOEXEC, 0));
    }
    queue_.push_back(std::move(piece));
  }
  Flush();
}

bool ShimConnection::IsRead() const {
  int unread = 0;
  return queue_.empty() && ioctl(socket_.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
}

std::vector<UniqueFd> ShimConnection::TakeReceived(size_t count) {
  std::vector<UniqueFd> taken;
  if (received_.size() < count) {
    // Our table of descriptors was full: those that came cannot be told apart.
    received_.clear();
    return taken;
  }
  for (; count > 0; --count) {
    taken.push_back(std::move(received_.front()));
    received_.pop_front();
  }
  return taken;
}

void ShimConnection::OnReady(uint32_t bits) {
  // They may delete this object, and with it themselves.
  const std::shared_ptr<bool> alive = alive_;
  const OnFrame on_frame = on_frame_;
  const OnEnd on_end = on_end_;
  if ((bits & EPOLLOUT) != 0) Flush();
  char buffer[16384];
  const ssize_t got = ReceiveWithFds(socket_.get(), buffer, sizeof(buffer), &received_);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return on_end("msshim has closed the connection");
  reader_.Append(buffer, static_cast<size_t>(got));
  const int64_t opened = opened_;
  Frame frame;
  while (*alive && socket_.valid() && opened_ == opened) {
    const FrameReader::Result result = reader_.Next(&frame);
    if (result == FrameReader::Result::kNeedMore) return;
    if (result == FrameReader::Result::kFailed) return on_end(reader_.error());
    on_frame(frame);
  }
}

void ShimConnection::Flush() {
  while (!queue_.empty()) {
    Piece& piece = queue_.front();
    std::vector<int> fds;
    for (const UniqueFd& fd : piece.fds) fds.push_back(fd.get());
    const ssize_t sent = SendWithFds(socket_.get(), piece.bytes.data(), piece.bytes.size(), fds);
    if (sent < 0) break;  // When the connection is gone, reading will say so.
    piece.fds.clear();
    piece.bytes.erase(0, static_cast<size_t>(sent));
    if (piece.bytes.empty()) queue_.pop_front();
  }
  if (wants_write_ == !queue_.empty()) return;
  wants_write_ = !queue_.empty();
  loop_->Rewatch(socket_.get(), wants_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

}  // namespace muster
