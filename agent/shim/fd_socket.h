// Bytes with descriptors over a Unix stream socket, and sockets whose path is too long for
// sockaddr_un. No Abseil: both ends use it. Errors are errno.
#ifndef MUSTER_AGENT_SHIM_FD_SOCKET_H_
#define MUSTER_AGENT_SHIM_FD_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "agent/shim/frame.h"
#include "common/base/unique_fd.h"

namespace muster {

// A descriptor of a rank on its way between shim and agent.
struct NamedDescriptor {
  int index = 0;
  int restart = 0;
  DescriptorKind kind = DescriptorKind::kPidfd;
  int fd = -1;  // Borrowed.
};

// The payload of kDescriptors and kAdopt.
std::string EncodeDescriptors(const std::vector<NamedDescriptor>& descriptors);
// `fd` is -1 in each. Empty when the payload is damaged.
std::vector<NamedDescriptor> DecodeDescriptors(const std::string& payload);

// Never raises SIGPIPE, never blocks. Returns bytes sent, or -1 with errno.
ssize_t SendWithFds(int socket, const char* data, size_t size, const std::vector<int>& fds);
// Returns bytes received, 0 at the end, or -1 with errno. Received descriptors are close-on-exec.
ssize_t ReceiveWithFds(int socket, char* data, size_t size, std::deque<UniqueFd>* fds);

// Binds and listens on / connects to `name` in the directory, by way of /proc/self/fd.
UniqueFd ListenIn(int dir_fd, const std::string& name);
UniqueFd ConnectIn(int dir_fd, const std::string& name);

}  // namespace muster

#endif  // MUSTER_AGENT_SHIM_FD_SOCKET_H_
