#include "agent/shim/fd_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/shim/codec.h"

namespace muster {
namespace {

constexpr size_t kDescriptorSize = 9;
constexpr int kBacklog = 8;

bool FillAddress(int dir_fd, const std::string& name, sockaddr_un* address) {
  const std::string path = "/proc/self/fd/" + std::to_string(dir_fd) + "/" + name;
  if (path.size() >= sizeof(address->sun_path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  *address = {};
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path.c_str(), path.size() + 1);
  return true;
}

}  // namespace

std::string EncodeDescriptors(const std::vector<NamedDescriptor>& descriptors) {
  Encoder out;
  out.U32(static_cast<uint32_t>(descriptors.size()));
  for (const NamedDescriptor& descriptor : descriptors) {
    out.I32(descriptor.index);
    out.I32(descriptor.restart);
    out.U8(static_cast<uint8_t>(descriptor.kind));
  }
  return out.Take();
}

std::vector<NamedDescriptor> DecodeDescriptors(const std::string& payload) {
  Decoder in(payload);
  std::vector<NamedDescriptor> descriptors(in.Count(kDescriptorSize));
  for (NamedDescriptor& descriptor : descriptors) {
    descriptor.index = in.I32();
    descriptor.restart = in.I32();
    descriptor.kind = static_cast<DescriptorKind>(in.U8());
  }
  if (!in.ok()) descriptors.clear();
  return descriptors;
}

ssize_t SendWithFds(int socket, const char* data, size_t size, const std::vector<int>& fds) {
  iovec part = {const_cast<char*>(data), size};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptorsPerFrame)] = {};
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

ssize_t ReceiveWithFds(int socket, char* data, size_t size, std::deque<UniqueFd>* fds) {
  iovec part = {data, size};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptorsPerFrame)];
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t got;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return got;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      fds->emplace_back(fd);
    }
  }
  return got;
}

UniqueFd ListenIn(int dir_fd, const std::string& name) {
  sockaddr_un address;
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid() || !FillAddress(dir_fd, name, &address) ||
      bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener.get(), kBacklog) != 0) {
    return UniqueFd();
  }
  return listener;
}

UniqueFd ConnectIn(int dir_fd, const std::string& name) {
  sockaddr_un address;
  UniqueFd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connection.valid() || !FillAddress(dir_fd, name, &address) ||
      connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return UniqueFd();
  }
  return connection;
}

}  // namespace muster
