#include "agent/task/error_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/task/start_request.h"
#include "common/base/unique_fd.h"
#include "launch/position.h"
#include "launch/torch_error.h"

namespace muster {
namespace {

constexpr off_t kMaxBytes = 256 << 10;

std::string ReadRegularFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) return "";
  if (!S_ISREG(info.st_mode) || info.st_size > kMaxBytes) return "";
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t size = read(fd.get(), bytes.data() + length, bytes.size() - length);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    length += static_cast<size_t>(size);
  }
  bytes.resize(length);
  return bytes;
}

}  // namespace

std::string ReadRankError(const v1::StartGangRequest& request, const std::string& gang_dir,
                          int index) {
  const v1::NodePlacement& here = HostOf(request);
  if (request.spec().contract() != "torch" || index < 0 || index >= here.ranks_size()) return "";
  LaunchContext context;
  context.spec = &request.spec();
  context.placement = &request.placement();
  context.node_rank = request.node_rank();
  context.rank = &here.ranks(index);
  const absl::StatusOr<Position> position = FindPosition(context);
  if (!position.ok()) return "";
  const std::string bytes = ReadRegularFile(TorchErrorFile(gang_dir, position->global_rank));
  return bytes.empty() ? "" : TorchErrorMessage(bytes);
}

}  // namespace muster
