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
    left.remove_prefix(WriteSome(left));
  }
  buffer_.clear();
}

bool Output::Offer() {
  size_t written = 0;
  while (written < buffer_.size() && !broken_ && TakesBytesNow()) {
    written += WriteSome(absl::string_view(buffer_).substr(written));
  }
  buffer_.erase(0, broken_ ? buffer_.size() : written);
  return buffer_.empty();
}

size_t Output::WriteSome(absl::string_view bytes) {
  // A pipe that polls as writable has room for PIPE_BUF bytes: such a write never blocks.
  const size_t size = is_pipe_ ? std::min<size_t>(bytes.size(), PIPE_BUF) : bytes.size();
  const ssize_t n = write(fd_, bytes.data(), size);
  if (n < 0 && errno != EINTR && errno != EAGAIN) broken_ = true;
  return n < 0 ? 0 : static_cast<size_t>(n);
}

bool Output::TakesBytesNow() const {
  if (!is_pipe_) return true;
  pollfd fd = {fd_, POLLOUT, 0};
  int n;
  do {
    n = poll(&fd, 1, 0);
  } while (n < 0 && errno == EINTR);
  return n != 0;  // An error is the write's to tell.
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
