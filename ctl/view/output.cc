#include "ctl/view/output.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace muster {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

bool IsPlainFile(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Output::Output(int fd, int interrupt_fd)
    : fd_(fd), interrupt_fd_(interrupt_fd), is_pipe_(!IsPlainFile(fd)) {}

void Output::Write(absl::string_view bytes) {
  if (broken_) return;
  buffer_.append(bytes.data(), bytes.size());
  if (buffer_.size() >= kBufferBytes) Flush();
}

void Output::Flush() {
  absl::string_view left = buffer_;
  while (!left.empty() && !broken_) {
    if (is_pipe_ && !WaitWritable()) break;
    // A pipe that polls as writable has room for PIPE_BUF bytes: such a write never blocks.
    const size_t size = is_pipe_ ? std::min<size_t>(left.size(), PIPE_BUF) : left.size();
    const ssize_t n = write(fd_, left.data(), size);
    if (n >= 0) {
      left.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EINTR && errno != EAGAIN) {
      broken_ = true;
    }
  }
  buffer_.clear();
}

bool Output::WaitWritable() {
  pollfd fds[2] = {{fd_, POLLOUT, 0}, {interrupt_fd_, POLLIN, 0}};
  for (;;) {
    // Room first: an interrupt must not cost bytes that could have been written.
    const int n = poll(fds, 2, -1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (fds[0].revents != 0) return true;
    if (fds[1].revents != 0) return false;
  }
}

}  // namespace muster
