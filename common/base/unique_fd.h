// Owns one file descriptor. No Abseil: msshim uses it too.
#ifndef MUSTER_COMMON_BASE_UNIQUE_FD_H_
#define MUSTER_COMMON_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace muster {

// Closes its descriptor when it goes out of scope. Movable, not copyable.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Gives the descriptor to the caller, who now owns it.
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_UNIQUE_FD_H_
