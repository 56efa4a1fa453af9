#include "scheduler/store/space_reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace muster {

absl::Status SpaceReserve::Take() {
  if (held_ || bytes_ == 0) return absl::OkStatus();
  const UniqueFd file(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoStatus(errno, path_);
  int error = 0;
  do {
    error = posix_fallocate(file.get(), 0, bytes_);
  } while (error == EINTR);
  if (error != 0) {
    unlink(path_.c_str());  // What it has got so far is needed elsewhere.
    return ErrnoStatus(error, absl::StrCat(path_, ": ", bytes_, " bytes"));
  }
  held_ = true;
  return absl::OkStatus();
}

bool SpaceReserve::GiveUp() {
  if (bytes_ == 0) return false;
  held_ = false;
  return unlink(path_.c_str()) == 0;  // Also one that an earlier process held.
}

}  // namespace muster
